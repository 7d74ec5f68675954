"""What a new API of a script starts with, so that *Save* may be the next click."""

import re
from typing import Any, Final

from automation.models import AutomationScript
from console.definitions import route_check
from definitions.models import ActionType
from foundation.ids import parse_uuid

_NO_ROUTE: Final = re.compile(r"[^\w./~-]+")
_MOST_TRIES: Final = 20


def for_script(script_id: str) -> dict[str, Any]:
    """The script with a free route of its name and the entry point that it has; nothing for an unknown script."""
    wanted = parse_uuid(script_id)
    script = AutomationScript.objects.filter(pk=wanted).defer("source").first() if wanted else None
    if script is None:
        return {}
    entry = ActionType.NO_ENTRY_POINT if script.has_run and not script.has_api_trigger else ActionType.AUTOMATION_SCRIPT
    return {"script": str(script.pk), "route": free_route(script.name), "action_type": entry}


def free_route(name: str) -> str:
    """A route that no API has, made of the name of a script; empty if there is none."""
    begin = _NO_ROUTE.sub("-", name.casefold()).strip("-/.")
    for number in range(1, _MOST_TRIES):
        route = begin if number == 1 else f"{begin}-{number}"
        found = route_check.check(route, None)
        if found.reason:
            return ""
        if route and found.in_use_by is None:
            return route
    return ""
