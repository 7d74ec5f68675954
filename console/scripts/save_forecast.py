"""What a save of the source in the editor would do to the APIs that run the script, told while the user types."""

from collections.abc import Mapping
from typing import Any

from access.policy import DEFINITION, AnyUser, allows
from automation.models import AutomationScript
from automation.versions import ScriptKind
from console import cells
from console.blockers import SHOWN
from console.scripts.reach import reach_of
from definitions.models import ApiDefinition
from definitions.warnings import Consequence, consequences
from foundation.ids import parse_uuid


def forecast(user: AnyUser, typed: Mapping[str, str], source: str, *, compiles: bool) -> dict[str, Any]:
    """Consequences and reach of a save of `typed`; nothing for a new script.

    A source that does not compile cannot be saved, so it has no consequences.
    """
    script_id = parse_uuid(typed.get("script", ""))
    script = AutomationScript.objects.filter(pk=script_id).first() if script_id else None
    if script is None:
        return {"consequences": [], "reach": []}
    reach = reach_of(user, script).at_save()
    found = consequences(_as_typed(script, typed, source)) if compiles else []
    return {"consequences": [_told(user, each) for each in found], "reach": list(reach)}


def _as_typed(script: AutomationScript, typed: Mapping[str, str], source: str) -> AutomationScript:
    script.source = source
    if typed.get("kind") in ScriptKind.values:
        script.kind = ScriptKind(typed["kind"])
    if "parameters" in typed:
        script.parameters = [line.strip() for line in typed["parameters"].splitlines() if line.strip()]
    return script


def _told(user: AnyUser, consequence: Consequence) -> dict[str, Any]:
    """A consequence, with the APIs that it is about for users who may view them."""
    if not allows(user, DEFINITION, "view"):
        return {"message": consequence.detail, "count": None, "apis": []}
    apis = sorted(consequence.definitions, key=lambda one: one.route)
    return {"message": consequence.detail, "count": len(apis), "apis": [_link(one) for one in apis[:SHOWN]]}


def _link(definition: ApiDefinition) -> dict[str, str]:
    return {"route": definition.route, "page": cells.page_of(definition)}
