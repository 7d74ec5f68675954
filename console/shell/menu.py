"""The menu: the pages that a user may view."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from access.policy import CREDENTIAL, DEFINITION, NODE, RUN, SCRIPT, TOKEN, AnyUser, allows, manages_people, may_enter
from console.shell.counts import counts_for
from events.visibility import readable_types

Words = str | Promise


@dataclass(frozen=True)
class MenuPage:
    """A page of the menu. `below` are the beginnings of further pages that belong to it, by their names."""

    title: Words
    icon: str
    name: str
    model: str = ""
    """The model whose objects the page lists; without one, another rule says who may view the page."""
    key: str = ""
    """The key that leads there, after `g`."""
    below: Sequence[str] = ()


@dataclass(frozen=True)
class MenuEntry:
    """A page of the menu as one user sees it. `current` is the value of `aria-current`, empty for other pages."""

    page: MenuPage
    address: str
    current: str
    count: int | None


@dataclass(frozen=True)
class MenuGroup:
    """Entries below a title; the first group has none."""

    title: Words
    entries: Sequence[MenuEntry]


_GROUPS: Final[Sequence[tuple[Words, Sequence[MenuPage]]]] = (
    (
        "",
        (
            MenuPage(_("Overview"), "space_dashboard", "admin:index", key="o"),
            MenuPage(_("APIs"), "api", "admin:definitions_apidefinition_changelist", DEFINITION, "a", ("trigger",)),
            MenuPage(_("Runs"), "receipt_long", "admin:runs", RUN, "r"),
            MenuPage(_("Scripts"), "code", "admin:automation_automationscript_changelist", SCRIPT, "s"),
            MenuPage(_("Tokens"), "key", "admin:tokens_apitoken_changelist", TOKEN, "t"),
            MenuPage(_("Credentials"), "lock", "admin:automation_credential_changelist", CREDENTIAL, "c"),
        ),
    ),
    (
        _("Operate"),
        (
            MenuPage(_("Nodes & queue"), "dns", "admin:automation_workernode_changelist", NODE, "n", ("environments",)),
            MenuPage(_("Events"), "history", "admin:events_informationevent_changelist", key="e"),
            MenuPage(_("Management API"), "terminal", "management-docs", key="m"),
        ),
    ),
    (
        _("Administration"),
        (
            MenuPage(_("Users"), "person", "admin:auth_user_changelist", key="u"),
            MenuPage(_("Groups"), "group", "admin:auth_group_changelist"),
            MenuPage(_("Personal keys"), "vpn_key", "admin:keys_personalkey_changelist", key="k"),
        ),
    ),
)

LIST_TITLES: Final[Mapping[str, Words]] = {
    page.name.removeprefix("admin:"): page.title for _title, pages in _GROUPS for page in pages
}
"""What the menu calls the lists, by the names of their pages."""


def pages_for(user: AnyUser) -> Iterator[tuple[Words, Sequence[MenuPage]]]:
    """The groups of the menu with the pages that `user` may view."""
    if not may_enter(user):
        return
    for title, pages in _GROUPS:
        if shown := [page for page in pages if _may_view(user, page)]:
            yield title, shown


def menu_for(request: HttpRequest) -> list[MenuGroup]:
    """The menu of the user of a request; empty for those who may not enter."""
    groups = list(pages_for(request.user))
    counts = counts_for(request.user) if groups else {}
    return [MenuGroup(title, [_entry(request, page, counts) for page in pages]) for title, pages in groups]


def _may_view(user: AnyUser, page: MenuPage) -> bool:
    if page.model:
        return allows(user, page.model, "view")
    if page.name.startswith("admin:auth_"):
        return manages_people(user)
    return not page.name.startswith("admin:events_") or bool(readable_types(user))


def _entry(request: HttpRequest, page: MenuPage, counts: Mapping[str, int]) -> MenuEntry:
    address = reverse(page.name)
    if request.path == address:
        current = "page"
    else:
        current = "true" if page.name != "admin:index" and _belongs(request, page, address) else ""
    return MenuEntry(page, address, current, counts.get(page.model))


def _belongs(request: HttpRequest, page: MenuPage, address: str) -> bool:
    name = (request.resolver_match and request.resolver_match.url_name) or ""
    return request.path.startswith(address) or name.startswith(tuple(page.below))
