"""Which events a reader wants: the filters of the list, of exports and of the live stream, with one meaning."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from events.models import InformationEvent, ObjectType, Verb
from objects.changes import refusal

Values = tuple[Any, ...]


def _one_of(choices: Iterable[str]) -> Callable[[str], str]:
    known = frozenset(choices)

    def parse(text: str) -> str:
        if text not in known:
            raise ValueError(text)
        return text

    return parse


def _moment(text: str) -> datetime:
    moment = parse_datetime(text)
    if moment is None:
        raise ValueError(text)
    try:
        # PostgreSQL knows no offset of 16 hours and more, which ISO 8601 does.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(text) from error


_COLUMNS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[str], Any]]]] = {
    "id": (("event_id",), UUID),
    "user": (("user", "user_name"), str),
    "verb": (("verb",), _one_of(Verb.values)),
    "objectType": (("object_type",), _one_of(ObjectType.values)),
    "objectId": (("object_id",), UUID),
}
_PROPERTIES: Final[Mapping[str, Callable[[str], Any]]] = {
    "name": str,
    "route": str,
    "actionType": str,
    "isDisabled": lambda text: _one_of(["true", "false"])(text) == "true",
}
_TIMES: Final = ("timeAfter", "timeBefore")

FILTERS: Final = (*_COLUMNS, *_PROPERTIES, *_TIMES)
"""The names of the query parameters; one that is given more than once takes any of its values."""


@dataclass(frozen=True)
class Selection:
    """What is wanted; nothing given, everything is."""

    columns: Mapping[str, Values] = field(default_factory=dict)
    properties: Mapping[str, Values] = field(default_factory=dict)
    after: datetime | None = None
    before: datetime | None = None

    @classmethod
    def of(cls, query: Mapping[str, list[str]]) -> "Selection":
        """The filters among the query parameters `query` (name → values); other parameters are not looked at.

        Raises:
            ValidationError: `InvalidField` + `field`, a value that cannot be meant.
        """
        columns = {name: _parsed(name, parse, query[name]) for name, (_, parse) in _COLUMNS.items() if name in query}
        properties = {name: _parsed(name, parse, query[name]) for name, parse in _PROPERTIES.items() if name in query}
        after, before = (_parsed(name, _moment, query.get(name, [])) for name in _TIMES)
        return cls(columns, properties, max(after, default=None), min(before, default=None))

    def among(self, events: "QuerySet[InformationEvent]") -> "QuerySet[InformationEvent]":
        """Those of `events` that are wanted."""
        for name, values in self.columns.items():
            events = events.filter(_any(Q((f"{column}__in", values)) for column in _COLUMNS[name][0]))
        for name, values in self.properties.items():
            events = events.filter(_any(Q((f"properties__{name}", value)) for value in values))
        if self.after is not None:
            events = events.filter(time__gt=self.after)
        return events if self.before is None else events.filter(time__lt=self.before)

    def wants(self, event: InformationEvent) -> bool:
        """Whether `event` is wanted."""
        return (
            all(
                any(getattr(event, column) in values for column in _COLUMNS[name][0])
                for name, values in self.columns.items()
            )
            and all(event.properties.get(name) in values for name, values in self.properties.items())
            and (self.after is None or event.time > self.after)
            and (self.before is None or event.time < self.before)
        )


def _any(conditions: Iterable[Q]) -> Q:
    return reduce(or_, conditions)


def _parsed(name: str, parse: Callable[[str], Any], texts: list[str]) -> Values:
    try:
        return tuple(parse(text) for text in texts)
    except ValueError as error:
        raise refusal("InvalidField", "The value of this filter cannot be read.", field=name) from error
