"""The filters of events, which mean the same in the list, in exports and in the live stream."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import Q, QuerySet

from events.models import InformationEvent, ObjectType, Verb
from foundation.ids import parse_uuid
from objects.changes import refusal
from objects.serializers import Choice, Flag, Moment

Values = tuple[Any, ...]


_COLUMNS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[str], Any]]]] = {
    "id": (("event_id",), parse_uuid),
    "user": (("user", "user_name"), str),
    "verb": (("verb",), Choice(Verb.values).parse),
    "objectType": (("object_type",), Choice(ObjectType.values).parse),
    "objectId": (("object_id",), parse_uuid),
}
_PROPERTIES: Final[Mapping[str, Callable[[str], Any]]] = {
    "name": str,
    "route": str,
    "actionType": str,
    "isDisabled": Flag().parse,
}
_TIMES: Final = ("timeAfter", "timeBefore")

FILTERS: Final = (*_COLUMNS, *_PROPERTIES, *_TIMES)
"""The names of the query parameters. One that is given more than once matches any of its values."""


@dataclass(frozen=True)
class Selection:
    """What a reader wants; without filters, every event."""

    columns: Mapping[str, Values] = field(default_factory=dict)
    properties: Mapping[str, Values] = field(default_factory=dict)
    after: datetime | None = None
    before: datetime | None = None

    @classmethod
    def of(cls, query: Mapping[str, list[str]]) -> "Selection":
        """The filters among the query parameters `query` (name → values); other parameters are ignored.

        Raises:
            ValidationError: `InvalidField` + `field`, for a value that cannot be read.
        """
        columns = {name: _parsed(name, parse, query[name]) for name, (_, parse) in _COLUMNS.items() if name in query}
        properties = {name: _parsed(name, parse, query[name]) for name, parse in _PROPERTIES.items() if name in query}
        after, before = (_parsed(name, Moment().parse, query.get(name, [])) for name in _TIMES)
        return cls(columns, properties, max(after, default=None), min(before, default=None))

    def among(self, events: "QuerySet[InformationEvent]") -> "QuerySet[InformationEvent]":
        for name, values in self.columns.items():
            events = events.filter(_any(Q((f"{column}__in", values)) for column in _COLUMNS[name][0]))
        for name, values in self.properties.items():
            events = events.filter(_any(Q((f"properties__{name}", value)) for value in values))
        if self.after is not None:
            events = events.filter(time__gt=self.after)
        return events if self.before is None else events.filter(time__lt=self.before)

    def wants(self, event: InformationEvent) -> bool:
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
    values = tuple(parse(text) for text in texts)
    if None in values:
        raise refusal("InvalidField", "The value of this filter cannot be read.", field=name)
    return values
