"""The filters of events, which mean the same in the list, in exports and in the live stream."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet

from events.models import InformationEvent, ObjectType, Verb
from events.serializers import EventSerializer
from foundation.ids import parse_uuid
from objects.changes import refusal
from objects.serializers import Choice, Flag, Id, Moment, Text, TypedField


class _AnyId(Id):
    """An id in any form that `uuid.UUID` reads."""

    def parse(self, text: str) -> UUID | None:
        return parse_uuid(text)


_COLUMNS: Final = {name: (str(field.source),) for name, field in EventSerializer().properties.items()} | {
    "user": ("user", "user_name")
}
"""The columns that a filter of the same name compares; other filters compare properties of the object."""

FILTERS: Final[Mapping[str, TypedField]] = {
    "id": _AnyId(),
    "user": Text(help_text="The full name or the user name."),
    "verb": Choice(sorted(Verb.values)),
    "objectType": Choice(sorted(ObjectType.values)),
    "objectId": _AnyId(),
    "name": Text(help_text="The name that the object had after the change."),
    "route": Text(help_text="The route that the definition had after the change."),
    "actionType": Text(),
    "isDisabled": Flag(),
    "timeAfter": Moment(),
    "timeBefore": Moment(),
}
"""The query parameters by name. One that is given more than once matches any of its values."""


@dataclass(frozen=True)
class Selection:
    """What a reader wants; without filters, every event."""

    values: Mapping[str, list[Any]] = field(default_factory=dict)
    after: datetime | None = None
    before: datetime | None = None

    @classmethod
    def of(cls, query: Mapping[str, list[str]]) -> "Selection":
        """The filters among the query parameters `query` (name → values); other parameters are ignored.

        Raises:
            ValidationError: `InvalidField` + `field`, for a value that cannot be read.
        """
        values = {name: _parsed(name, query[name]) for name in FILTERS if name in query}
        after, before = values.pop("timeAfter", []), values.pop("timeBefore", [])
        return cls(values, max(after, default=None), min(before, default=None))

    def among(self, events: "QuerySet[InformationEvent]") -> "QuerySet[InformationEvent]":
        for name, values in self.values.items():
            if name in _COLUMNS:
                events = events.filter(_any(Q((f"{column}__in", values)) for column in _COLUMNS[name]))
            else:
                events = events.filter(_any(Q((f"properties__{name}", value)) for value in values))
        if self.after is not None:
            events = events.filter(time__gt=self.after)
        return events if self.before is None else events.filter(time__lt=self.before)

    def wants(self, event: InformationEvent) -> bool:
        return (
            all(any(each in values for each in _compared(event, name)) for name, values in self.values.items())
            and (self.after is None or event.time > self.after)
            and (self.before is None or event.time < self.before)
        )


def _compared(event: InformationEvent, name: str) -> list[Any]:
    columns = _COLUMNS.get(name)
    return [getattr(event, column) for column in columns] if columns else [event.properties.get(name)]


def _any(conditions: Iterable[Q]) -> Q:
    return reduce(or_, conditions)


def _parsed(name: str, texts: list[str]) -> list[Any]:
    values = [FILTERS[name].parse(text) for text in texts]
    if None in values:
        raise refusal("InvalidField", "The value of this filter cannot be read.", field=name)
    return values
