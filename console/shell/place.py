"""Where a page is: its breadcrumbs, its heading, and the title of its window."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.db.models.options import Options
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from console.shell.creation import creation_of
from console.shell.menu import LIST_TITLES

BETWEEN: Final = " · "
_ABOVE: Final[Sequence[tuple[str, str]]] = (
    ("run", "runs"),
    ("environments", "automation_workernode_changelist"),
    ("trigger", "definitions_apidefinition_changelist"),
)
"""The beginnings of the names of pages, and the page of the menu above them."""


@dataclass(frozen=True)
class Crumb:
    """A page above this one."""

    title: str
    address: str


@dataclass(frozen=True)
class PagePlace:
    """`heading` is empty where the page has a heading of its own below the bar."""

    crumbs: Sequence[Crumb]
    heading: str
    window_title: str


def place_of(request: HttpRequest, context: Mapping[str, Any]) -> PagePlace:
    """The place of the page with `context`."""
    if context.get("head"):
        return _below_head(context)
    opts, title = context.get("opts"), str(context.get("title") or "")
    if opts is None:
        return _alone(request, title)
    name = (request.resolver_match and request.resolver_match.url_name) or ""
    if context.get("cl") or (name.endswith("_changelist") and request.method != "POST"):
        title = list_title(opts)
        return PagePlace([], title, title)
    return _form(context, opts, title)


def list_title(opts: "Options[Any]") -> str:
    """What the list of a model is called: as in the menu."""
    known = LIST_TITLES.get(f"{opts.app_label}_{opts.model_name}_changelist")
    return str(known or capfirst(str(opts.verbose_name_plural)))


def _below_head(context: Mapping[str, Any]) -> PagePlace:
    head = context["head"]
    opts = context.get("opts")
    above = list_title(opts) if opts else head.list_title
    page = head.current.title if head.current else str(context.get("title") or "")
    if context.get("change") and "original" in context:
        page = _("Edit")
    crumbs = [Crumb(above, head.list_page), Crumb(head.title, head.tabs[0].page if head.tabs else "")]
    return PagePlace(crumbs, "", _joined(head.title, page, above))


def _form(context: Mapping[str, Any], opts: "Options[Any]", title: str) -> PagePlace:
    """A page about an object without a head, or the form of a new one."""
    obj = context.get("original") or context.get("object")
    above = list_title(opts)
    crumbs = [Crumb(above, _list_page(context, opts))]
    if context.get("add"):
        creation = creation_of(opts.label_lower)
        title = str(creation.phrase) if creation else title
    elif obj is not None and context.get("change"):
        title = str(obj)
    elif obj is not None:
        crumbs.append(Crumb(str(obj), reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[obj.pk])))
        return PagePlace(crumbs, title, _joined(str(obj), title, above))
    return PagePlace(crumbs, title, _joined(title, above))


def _alone(request: HttpRequest, title: str) -> PagePlace:
    """A page that belongs to no model of Django's admin; some are below a page of the menu."""
    name = (request.resolver_match and request.resolver_match.url_name) or ""
    above = next((parent for beginning, parent in _ABOVE if name.startswith(beginning) and name != parent), None)
    crumbs = [Crumb(str(LIST_TITLES[above]), reverse(f"admin:{above}"))] if above else []
    return PagePlace(crumbs, title, _joined(title, *(crumb.title for crumb in crumbs)))


def _list_page(context: Mapping[str, Any], opts: "Options[Any]") -> str:
    address = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    filters: dict[str, Any] = {"preserved_filters": context.get("preserved_filters", ""), "opts": opts}
    return str(add_preserved_filters(filters, address))


def _joined(*parts: str) -> str:
    return BETWEEN.join(_told_once(parts))


def _told_once(parts: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(part for part in parts if part)
