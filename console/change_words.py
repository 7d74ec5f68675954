"""What events are about, and what they changed, in a few words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from automation.models import AutomationScript, Credential
from console.event_words import label_of
from definitions.models import ApiDefinition
from events.models import InformationEvent, ObjectType
from foundation.ids import parse_uuid
from tokens.models import ApiToken

LONGEST: Final = 40
_NAMED: Final = 2

MODELS: Final[Mapping[str, type[Model]]] = {
    ObjectType.API_DEFINITION.value: ApiDefinition,
    ObjectType.API_TOKEN.value: ApiToken,
    ObjectType.AUTOMATION_SCRIPT.value: AutomationScript,
    ObjectType.CREDENTIAL.value: Credential,
}
_KINDS: Final[Mapping[str, Callable[[int], str]]] = {
    ObjectType.API_DEFINITION: lambda count: ngettext("API", "%(count)d APIs", count),
    ObjectType.API_TOKEN: lambda count: ngettext("token", "%(count)d tokens", count),
    ObjectType.AUTOMATION_SCRIPT: lambda count: ngettext("script", "%(count)d scripts", count),
    ObjectType.CREDENTIAL: lambda count: ngettext("credential", "%(count)d credentials", count),
    ObjectType.MIRROR: lambda count: ngettext("search mirror", "%(count)d search mirrors", count),
    ObjectType.RUN: lambda count: ngettext("run", "%(count)d runs", count),
    ObjectType.USER: lambda count: ngettext("user", "%(count)d users", count),
    ObjectType.GROUP: lambda count: ngettext("group", "%(count)d groups", count),
    ObjectType.PERSONAL_KEY: lambda count: ngettext("personal key", "%(count)d personal keys", count),
}


def kind_in_words(object_type: str, count: int) -> str:
    """`API` for one of them, `12 APIs` for several."""
    return _KINDS[object_type](count) % {"count": count}


def changes_of(event: InformationEvent) -> Sequence[Mapping[str, Any]]:
    """The fields that the event changed, with `before` and `after`; empty where it does not say so."""
    return event.changes or ()


def changes_in_words(event: InformationEvent) -> str:
    """`Time-out: 60 → 10, Description`; what is long, or a list, is only named. The message tells of versions."""
    changes = [change for change in changes_of(event) if change["field"] != "version"]
    parts = [_one(event.object_type, change) for change in changes[:_NAMED]]
    if more := len(changes) - len(parts):
        parts.append(_("%(count)d more") % {"count": more})
    return ", ".join(parts)


def _one(object_type: str, change: Mapping[str, Any]) -> str:
    name = label_of(object_type, change["field"])
    before, after = change.get("before"), change.get("after")
    if before == after or not (_is_plain(before) and _is_plain(after)):
        return name
    return f"{name}: {_value(before)} \N{RIGHTWARDS ARROW} {_value(after)}"


def _is_plain(value: Any) -> bool:
    """Whether a value is short and says something: no list, and not the id of an object."""
    if isinstance(value, list | dict):
        return False
    return len(str(value)) <= LONGEST and parse_uuid(str(value)) is None


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return _("none") if value is None or value == "" else str(value)
