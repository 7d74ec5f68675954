"""The menu: the pages that the user may view."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from access.policy import DEFINITION, MESSAGE, NODE, SCRIPT, TOKEN, Action, AnyUser, allows, manages_people
from events.visibility import readable_types


@dataclass(frozen=True)
class MenuEntry:
    """A page of the menu and the users for whom it is listed."""

    title: Any
    icon: str
    page: str
    is_for: Callable[[AnyUser], bool]

    def shown(self, request: HttpRequest) -> dict[str, Any]:
        """The entry as the theme expects it."""
        link = reverse(f"admin:{self.page}")
        is_start = self.page == "index"
        active = request.path == link if is_start else request.path.startswith(link)
        return {"title": self.title, "icon": self.icon, "link": link, "active": active, "has_permission": True}


def _may(label: str, action: Action = "view") -> Callable[[AnyUser], bool]:
    return lambda user: allows(user, label, action)


def _everybody(user: AnyUser) -> bool:
    return True


def _reads_events(user: AnyUser) -> bool:
    return bool(readable_types(user))


_MENU: Final[Sequence[tuple[Any, Sequence[MenuEntry]]]] = (
    ("", (MenuEntry(_("Overview"), "space_dashboard", "index", _everybody),)),
    (
        _("User-Defined APIs"),
        (
            MenuEntry(_("Definitions"), "api", "definitions_apidefinition_changelist", _may(DEFINITION)),
            MenuEntry(_("Tokens"), "key", "tokens_apitoken_changelist", _may(TOKEN)),
            MenuEntry(_("Scripts"), "code", "automation_automationscript_changelist", _may(SCRIPT)),
            MenuEntry(_("Trigger"), "play_circle", "trigger", _may(MESSAGE, "send")),
        ),
    ),
    (
        _("Operation"),
        (
            MenuEntry(_("Events"), "history", "events_informationevent_changelist", _reads_events),
            MenuEntry(_("Nodes"), "dns", "automation_workernode_changelist", _may(NODE)),
        ),
    ),
    (
        _("Access"),
        (
            MenuEntry(_("Personal keys"), "vpn_key", "keys_personalkey_changelist", _everybody),
            MenuEntry(_("Users"), "person", "auth_user_changelist", manages_people),
            MenuEntry(_("Groups"), "group", "auth_group_changelist", manages_people),
        ),
    ),
)


def menu(request: HttpRequest) -> list[dict[str, Any]]:
    groups = [
        {"title": title, "items": [entry.shown(request) for entry in entries if entry.is_for(request.user)]}
        for title, entries in _MENU
    ]
    return [group for group in groups if group["items"]]
