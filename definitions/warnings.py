"""What a change of a script will do to the APIs that run its current version; none of it refuses the change."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext as _

from automation.models import AutomationScript
from automation.source import contents
from automation.versions import ScriptKind
from definitions.models import ActionType, ApiDefinition

Reason = Literal["EntryPointMissing", "ParameterAdded", "ParameterRemoved"]


@dataclass(frozen=True)
class Consequence:
    """A sentence about some APIs, without naming them: not everybody may see them."""

    reason: Reason
    detail: str
    definitions: list[ApiDefinition]


def consequences(script: AutomationScript) -> list[Consequence]:
    """What saving `script`, as it is in memory, will do to APIs that are not pinned; nothing for a new script.

    Takes one query for a script that no API runs.
    """
    running = list(ApiDefinition.objects.filter(script=script.pk, script_version=None))
    stored = AutomationScript.objects.filter(pk=script.pk).first() if running else None
    if stored is None:
        return []
    return [each for each in _found(stored, script, running) if each.definitions]


def _found(
    stored: AutomationScript, script: AutomationScript, running: Iterable[ApiDefinition]
) -> Iterator[Consequence]:
    by_action = {action: [one for one in running if one.action_type == action] for action in ActionType}
    entry_points = () if script.kind == ScriptKind.LIBRARY else contents(script.source).entry_points
    for action, entry_point in ApiDefinition.entry_points.items():
        if entry_point in stored.entry_points() and entry_point not in entry_points:
            text = _("The script no longer has {}: APIs that call it will answer error 15.").format(entry_point)
            yield Consequence("EntryPointMissing", text, by_action[action])
    # Only these require the script parameters of their callers.
    requiring = by_action[ActionType.NO_ENTRY_POINT]
    for name in [name for name in script.parameters if name not in stored.parameters]:
        text = _("Callers must now send the parameter {}: without it, APIs will answer error 16.").format(name)
        yield Consequence("ParameterAdded", text, requiring)
    read = contents(script.source).parameters
    for name in [name for name in stored.parameters if name not in script.parameters and name in read]:
        text = _("The source still reads the parameter {}, but callers of APIs will no longer have to send it.").format(
            name
        )
        yield Consequence("ParameterRemoved", text, requiring)
