"""The menu: what the user may see, and nothing else."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from access.policy import DEFINITION, MESSAGE, NODE, SCRIPT, TOKEN, Action, AnyUser, allows, manages_people
from events.visibility import readable_types


@dataclass(frozen=True)
class MenuEntry:
    """A page of the menu, and who finds it there."""

    title: Any
    icon: str
    page: str
    is_for: Callable[[AnyUser], bool]

    def shown(self, request: HttpRequest) -> dict[str, Any]:
        """The entry as the theme wants it."""
        link = reverse(self.page)
        is_start = self.page == "admin:index"
        active = request.path == link if is_start else request.path.startswith(link)
        return {"title": self.title, "icon": self.icon, "link": link, "active": active, "has_permission": True}


def _may(label: str, action: Action = "view") -> Callable[[AnyUser], bool]:
    return lambda user: allows(user, label, action)


def _everybody(user: AnyUser) -> bool:
    return True


_MENU: tuple[tuple[Any, tuple[MenuEntry, ...]], ...] = (
    ("", (MenuEntry(_("Overview"), "space_dashboard", "admin:index", _everybody),)),
    (
        _("User-Defined APIs"),
        (
            MenuEntry(_("Definitions"), "api", "admin:definitions_apidefinition_changelist", _may(DEFINITION)),
            MenuEntry(_("Tokens"), "key", "admin:tokens_apitoken_changelist", _may(TOKEN)),
            MenuEntry(_("Scripts"), "code", "admin:automation_automationscript_changelist", _may(SCRIPT)),
            MenuEntry(_("Trigger"), "play_circle", "admin:trigger", _may(MESSAGE, "send")),
        ),
    ),
    (
        _("Operation"),
        (
            MenuEntry(
                _("Events"),
                "history",
                "admin:events_informationevent_changelist",
                lambda user: bool(readable_types(user)),
            ),
            MenuEntry(_("Nodes"), "dns", "admin:automation_workernode_changelist", _may(NODE)),
        ),
    ),
    (
        _("Access"),
        (
            MenuEntry(_("Personal keys"), "vpn_key", "admin:keys_personalkey_changelist", _everybody),
            MenuEntry(_("Users"), "person", "admin:auth_user_changelist", manages_people),
            MenuEntry(_("Groups"), "group", "admin:auth_group_changelist", manages_people),
        ),
    ),
)


def menu(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of the menu that have a page for the user of the request."""
    groups = [{"title": title, "items": _for(request, entries)} for title, entries in _MENU]
    return [group for group in groups if group["items"]]


def _for(request: HttpRequest, entries: Iterable[MenuEntry]) -> list[dict[str, Any]]:
    return [entry.shown(request) for entry in entries if entry.is_for(request.user)]
