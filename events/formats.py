"""Events as JSON."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Final

from events.models import InformationEvent
from foundation.times import iso_utc

_VALUES: Final[Mapping[str, Callable[[InformationEvent], str | int]]] = {
    "id": lambda event: str(event.event_id),
    "time": lambda event: iso_utc(event.time),
    "parameterId": attrgetter("parameter_id"),
    "parameterName": attrgetter("parameter_name"),
    "severity": attrgetter("severity"),
    "user": attrgetter("user"),
    "verb": attrgetter("verb"),
    "objectType": attrgetter("object_type"),
    "objectId": lambda event: str(event.object_id),
    "message": attrgetter("message"),
}

FIELDS = tuple(_VALUES)


def as_dict(event: InformationEvent) -> dict[str, str | int]:
    return {name: value(event) for name, value in _VALUES.items()}
