"""The recent changes on the overview: a bulk action is one line, and each line leads to its object or its events."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.http import urlencode

from access.policy import AnyUser
from console.cells import page_of
from console.change_lines import ChangeLine, MentionedObject
from console.change_words import MODELS, changes_in_words, changes_of
from events.models import InformationEvent, ObjectType, Verb
from events.visibility import readable_events
from foundation.times import iso_utc

LINES: Final = 10
NAMED: Final = 3
_AT_ONCE: Final = 200
_MOST_LOOKS: Final = 4
_MINUTE: Final = timedelta(minutes=1)

_Key = tuple[object, ...]


def recent_changes(user: AnyUser) -> list[ChangeLine]:
    """The newest lines, in a number of queries that has a limit."""
    groups = _groups(readable_events(user))
    pages = _pages(event for _key, events, _count in groups for event in events)
    return [_line(events, count, pages) for _key, events, count in groups]


def _groups(readable: "QuerySet[InformationEvent]") -> list[tuple[_Key, list[InformationEvent], int]]:
    """The events of each line, newest first, and of how many objects they are."""
    found: dict[_Key, list[InformationEvent]] = {}
    counts: dict[_Key, int] = {}
    older = readable
    for _look in range(_MOST_LOOKS):
        events = list(older.order_by("-number")[:_AT_ONCE])
        for event in events:
            found.setdefault(_key(event), []).append(event)
        if len(events) < _AT_ONCE or len(found) > LINES:
            break
        # The last line may go on beyond what was read, by thousands of events: they are counted, not read.
        last = events[-1]
        counts[_key(last)] = _together(readable, last).values("object_id").distinct().count()
        older = readable.filter(number__lt=last.number, time__lt=_minute(last))
    lines = sorted(found.items(), key=lambda line: -line[1][0].number)[:LINES]
    return [(key, events, counts.get(key, len({each.object_id for each in events}))) for key, events in lines]


def _key(event: InformationEvent) -> _Key:
    """Events with the same key are one line. Of what a script says only the newest counts, so that it hides little."""
    if event.verb == Verb.SAID:
        return event.verb, event.object_id
    return event.user_name, event.user, event.verb, event.object_type, _minute(event)


def _minute(event: InformationEvent) -> datetime:
    return event.time.replace(second=0, microsecond=0)


def _together(readable: "QuerySet[InformationEvent]", event: InformationEvent) -> "QuerySet[InformationEvent]":
    return readable.filter(
        user=event.user,
        user_name=event.user_name,
        verb=event.verb,
        object_type=event.object_type,
        time__gte=_minute(event),
        time__lt=_minute(event) + _MINUTE,
    )


def _line(events: Sequence[InformationEvent], count: int, pages: Mapping[UUID, str]) -> ChangeLine:
    newest = events[0]
    each = list({event.object_id: event for event in reversed(events)}.values())[::-1]
    shown = each[: NAMED if count > 1 else 1]
    objects = [MentionedObject(_name_of(event), pages.get(event.object_id, "")) for event in shown]
    deeds = {_deed(event) for event in events}
    deed = deeds.pop() if len(deeds) == 1 else newest.verb
    changed = changes_in_words(newest) if count == 1 and deed == Verb.UPDATED else ""
    return ChangeLine(newest, objects, count, events_page(newest), deed, changed)


def _name_of(event: InformationEvent) -> str:
    known = event.properties
    return str(known.get("route") or known.get("name") or event.object_id)


def _deed(event: InformationEvent) -> str:
    changes = changes_of(event)
    if event.verb == Verb.UPDATED and [change.get("field") for change in changes] == ["is_disabled"]:
        return "disabled" if changes[0].get("after") else "enabled"
    return event.verb


def _pages(events: Iterable[InformationEvent]) -> Mapping[UUID, str]:
    """The pages of the objects that there still are. Whoever may read an event may view its object."""
    wanted: dict[str, set[UUID]] = {}
    for event in events:
        if event.verb != Verb.DELETED:
            wanted.setdefault(event.object_type, set()).add(event.object_id)
    return dict(_found(wanted))


def _found(wanted: Mapping[str, set[UUID]]) -> Iterator[tuple[UUID, str]]:
    for object_type, ids in wanted.items():
        if model := MODELS.get(object_type):
            for obj in model._default_manager.filter(pk__in=ids).only("pk"):
                yield obj.pk, page_of(obj)
    for run_id in wanted.get(ObjectType.RUN, ()):
        yield run_id, reverse("admin:run", args=[run_id])


def events_page(event: InformationEvent) -> str:
    """The list of the events that are one line with this one."""
    filters = {
        "verb": event.verb,
        "object_type": event.object_type,
        "user": event.user,
        "from": iso_utc(_minute(event), "seconds"),
        "to": iso_utc(_minute(event) + _MINUTE, "seconds"),
    }
    return f"{reverse('admin:events_informationevent_changelist')}?{urlencode(filters)}"
