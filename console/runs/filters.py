"""The filters of the list of runs: read from the address, and shown as chips that remove them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.policy import DEFINITION, SCRIPT, TOKEN, AnyUser, allows
from automation.models import AutomationScript
from console.runs.durations import in_words
from console.runs.rows import KIND_WORDS
from definitions.models import ApiDefinition
from foundation.ids import parse_uuid
from foundation.texts import is_storable
from runs.explanations import STATUS_WORDS
from runs.selection import RunFilters
from tokens.models import ApiToken

SPANS: Final[Mapping[str, tuple[Promise, timedelta]]] = {
    "5m": (gettext_lazy("the last 5 minutes"), timedelta(minutes=5)),
    "hour": (gettext_lazy("the last hour"), timedelta(hours=1)),
    "day": (gettext_lazy("the last 24 hours"), timedelta(days=1)),
    "week": (gettext_lazy("the last 7 days"), timedelta(days=7)),
}
LABELS: Final[Mapping[str, Promise]] = {
    "q": gettext_lazy("API"),
    "definition": gettext_lazy("API"),
    "token": gettext_lazy("Token"),
    "script": gettext_lazy("Script"),
    "version": gettext_lazy("Version"),
    "status": gettext_lazy("Status"),
    "code": gettext_lazy("Code"),
    "node": gettext_lazy("Node"),
    "last": gettext_lazy("Time"),
    "from": gettext_lazy("From"),
    "to": gettext_lazy("Until"),
    "slower": gettext_lazy("Slower than"),
    "kind": gettext_lazy("Kind"),
    "user": gettext_lazy("User"),
    "parent": gettext_lazy("Begun by"),
}
MOST_FOUND: Final = 50
_RESPONSE_CODES: Final = range(200, 600)
"""No error of the catalogue has one of these numbers."""
_LARGEST: Final = 2**31 - 1


class InvalidValueError(ValueError):
    """No run can have the value of this filter."""


@dataclass(frozen=True)
class Chip:
    """A filter that is set; `url` is the list without it."""

    name: str
    value: str
    url: str
    is_invalid: bool = False
    is_moment: bool = False

    @property
    def label(self) -> Promise:
        return LABELS[self.name]


@dataclass(frozen=True)
class Wanted:
    """What the address asks for."""

    filters: RunFilters
    values: Mapping[str, str]
    chips: list[Chip]

    @property
    def is_invalid(self) -> bool:
        return any(chip.is_invalid for chip in self.chips)

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """The filters that have no field of their own in the form."""
        return [(name, self.values[name]) for name in ("definition", "version", "parent") if name in self.values]

    @property
    def moments(self) -> list[tuple[str, Promise, str]]:
        return [(name, LABELS[name], self.values.get(name, "")) for name in ("from", "to")]


def read(query: QueryDict, user: AnyUser, definition: UUID | None = None) -> Wanted:
    """What an address asks for, of one API if `definition` is given.

    A value that no run can have is told by its chip.
    """
    fixed = {} if definition is None else _definition(str(definition), user)
    asked = LABELS.keys() - {"q", "definition"} if fixed else LABELS
    values = {name: text for name in LABELS if name in asked and (text := str(query.get(name, "")).strip())}
    for name, stronger in (("definition", "q"), ("last", "from")):
        if stronger in values:
            values.pop(name, None)
    fields: dict[str, Any] = {**fixed}
    chips = []
    for name, value in values.items():
        try:
            fields |= _READERS[name](value, user)
        except (ValueError, OverflowError):
            chips.append(Chip(name, value, without(query, name), is_invalid=True))
        else:
            text = _in_words(name, value, user)
            chips.append(Chip(name, text, without(query, name), is_moment=name in ("from", "to")))
    return Wanted(RunFilters(**fields), values, chips)


def without(query: QueryDict, *names: str, **further: str) -> str:
    """The address of the first page of the list without the filters `names`, and with `further` ones."""
    kept = query.copy()
    for name in (*names, "before", "after", *further):
        kept.pop(name, None)
    for name, value in further.items():
        kept[name] = value
    return f"?{kept.urlencode()}"


def _number(text: str) -> int:
    number = int(text)
    if not 0 <= number <= _LARGEST:
        raise InvalidValueError(text)
    return number


def _id(text: str) -> UUID:
    found = parse_uuid(text)
    if found is None:
        raise InvalidValueError(text)
    return found


def _text(text: str) -> str:
    if not is_storable(text):
        raise InvalidValueError(text)
    return text


def _one_of(names: Iterable[str], text: str) -> str:
    if text not in names:
        raise InvalidValueError(text)
    return text


def _moment(text: str) -> datetime:
    moment = parse_datetime(text)
    if moment is None:
        raise InvalidValueError(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _code(text: str, user: AnyUser) -> dict[str, Any]:
    number = _number(text)
    return {"response_code": [number]} if number in _RESPONSE_CODES else {"error_code": [number]}


def _definition(text: str, user: AnyUser) -> dict[str, Any]:
    return {"definition": [_id(text)]}


def _token(text: str, user: AnyUser) -> dict[str, Any]:
    if key := parse_uuid(text):
        return {"token": [key]}
    if not allows(user, TOKEN, "view"):
        raise InvalidValueError(text)
    return {"token_name": [_text(text)]}


def _api(text: str, user: AnyUser) -> dict[str, Any]:
    """The APIs with this text in the route, and in the name for users who may view it; else the exact route."""
    wanted = Q(route__icontains=_text(text))
    if allows(user, DEFINITION, "view"):
        wanted |= Q(name__icontains=text)
    found = list(ApiDefinition.objects.filter(wanted).order_by("route").values_list("pk", flat=True)[:MOST_FOUND])
    return {"definition": found} if found else {"route": [text]}


def _last(text: str, user: AnyUser) -> dict[str, Any]:
    return {"since": timezone.now() - SPANS[_one_of(SPANS, text)][1]}


_READERS: Final[Mapping[str, Callable[[str, AnyUser], dict[str, Any]]]] = {
    "q": _api,
    "definition": _definition,
    "token": _token,
    "script": lambda text, user: {"script": [_text(text)]},
    "version": lambda text, user: {"version": [_number(text)]},
    "status": lambda text, user: {"status": [_one_of(STATUS_WORDS, each) for each in text.split(",")]},
    "code": _code,
    "node": lambda text, user: {"node": [_number(text)]},
    "last": _last,
    "from": lambda text, user: {"since": _moment(text)},
    "to": lambda text, user: {"until": _moment(text)},
    "slower": lambda text, user: {"slower_than": _number(text)},
    "kind": lambda text, user: {"kind": [_one_of(KIND_WORDS, each) for each in text.split(",")]},
    "user": lambda text, user: {"user": [_text(text)]},
    "parent": lambda text, user: {"parent": [_id(text)]},
}
"""By name in the address: the fields of `RunFilters`. They raise ValueError or OverflowError."""


def _in_words(name: str, value: str, user: AnyUser) -> str:
    match name:
        case "status":
            return ", ".join(str(STATUS_WORDS[each]) for each in value.split(","))
        case "kind":
            return ", ".join(str(KIND_WORDS[each]) for each in value.split(","))
        case "last":
            return str(SPANS[value][0])
        case "slower":
            return in_words(int(value))
        case "definition":
            return _name_of(ApiDefinition, "route", value) if allows(user, DEFINITION, "view") else value
        case "script" if parse_uuid(value):
            return _name_of(AutomationScript, "name", value) if allows(user, SCRIPT, "view") else value
        case "token" if parse_uuid(value):
            return _name_of(ApiToken, "name", value) if allows(user, TOKEN, "view") else value
        case _:
            return value


def _name_of(model: Any, column: str, key: str) -> str:
    found = model._base_manager.filter(pk=parse_uuid(key)).values_list(column, flat=True).first()
    return str(found or key)


@dataclass(frozen=True)
class Quick:
    """A choice of statuses that is one click away."""

    title: str
    url: str
    is_chosen: bool


def quick_choices(query: QueryDict) -> Iterator[Quick]:
    """All runs, those that go on, and those with a status that needs a look."""
    chosen = query.get("status", "")
    choices = (
        (_("All"), ""),
        (_("In progress"), "Queued,Running"),
        (_("Failed"), "Failed,Unanswered"),
        (_("Refused"), "Refused,NeverStarted"),
        (_("Cancelled"), "Cancelled"),
        (_("Succeeded"), "Succeeded"),
    )
    for title, value in choices:
        url = without(query, status=value) if value else without(query, "status")
        yield Quick(title, url, value == chosen)
