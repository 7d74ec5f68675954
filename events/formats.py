"""Events as clients get them: JSON, JSON lines, CSV."""

import csv
import json
import logging
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime

from events.models import InformationEvent
from foundation.logs import AUDIT_LOGGER

FIELDS = (
    "id",
    "time",
    "parameterId",
    "parameterName",
    "severity",
    "user",
    "verb",
    "objectType",
    "objectId",
    "message",
)

_log = logging.getLogger(AUDIT_LOGGER)

# A spreadsheet would take what begins so for a formula, and user names are chosen by people.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_dict(event: InformationEvent) -> dict[str, str | int]:
    """The event on the wire."""
    return {
        "id": str(event.event_id),
        "time": timestamp(event.time),
        "parameterId": event.parameter_id,
        "parameterName": event.parameter_name,
        "severity": event.severity,
        "user": event.user,
        "verb": event.verb,
        "objectType": event.object_type,
        "objectId": str(event.object_id),
        "message": event.message,
    }


def timestamp(time: datetime) -> str:
    """ISO 8601 in UTC, with `Z`."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def json_lines(events: Iterable[InformationEvent]) -> Iterator[str]:
    """One line of JSON an event."""
    for event in events:
        yield json.dumps(as_dict(event), ensure_ascii=False) + "\n"


def recorded(events: Iterable[InformationEvent], by: str, form: str) -> Generator[InformationEvent, None, None]:
    """The events of an export by the user named `by`; at its end, however early, a line of the log says how many."""
    count = 0
    try:
        for event in events:
            count += 1
            yield event
    finally:
        _log.info("'%s' exported %d event(s) as %s", by, count, form)


def csv_lines(events: Iterable[InformationEvent]) -> Iterator[str]:
    """A line of names, then one an event; no cell is taken for a formula."""
    # A byte order mark: spreadsheets read UTF-8 only with one.
    writer = csv.writer(_Echo())
    yield "\ufeff" + str(writer.writerow(FIELDS))
    for event in events:
        yield str(writer.writerow(_harmless(value) for value in as_dict(event).values()))


def _harmless(value: str | int) -> str | int:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


class _Echo:
    def write(self, line: str) -> str:
        """The line itself: `writerow` returns what this returns."""
        return line
