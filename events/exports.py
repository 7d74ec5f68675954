"""Exports of events as files, read page by page: a slow client holds no database connection."""

import json
import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Final

from django.db import OperationalError
from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from events.models import InformationEvent
from events.serializers import EventSerializer, as_dict
from foundation.logs import AUDIT_LOGGER
from foundation.spreadsheets import csv_lines
from web import database

PAGE = 1_000
"""How many events an export holds in memory."""

TRIES = 5
"""How often an export asks for a page, so that one that has run for an hour survives a busy moment."""

_log = logging.getLogger(AUDIT_LOGGER)


def export(events: "QuerySet[InformationEvent]", kind: str, by: str) -> StreamingHttpResponse:
    """`events`, oldest first, as a file of `kind` for the user named `by`; it is rendered while it is sent."""
    lines, media_type = FILES[kind]
    file_name = f"events.{kind}"
    return StreamingHttpResponse(
        lines(recorded(in_pages(events), by, file_name)),
        content_type=f"{media_type}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"', "Cache-Control": "no-store"},
    )


def in_pages(events: "QuerySet[InformationEvent]") -> Iterator[InformationEvent]:
    """`events`, oldest first, up to the newest at the start. No database connection is held between pages.

    Raises:
        django.db.OperationalError: the database does not answer, or has had no free connection for a while.
    """
    newest = _read(InformationEvent.objects.order_by("-number")[:1])
    until, after = newest[0].number if newest else 0, 0
    while page := _read(events.order_by("number").filter(number__gt=after, number__lte=until)[:PAGE]):
        yield from page
        after = page[-1].number


def _read(events: "QuerySet[InformationEvent]") -> list[InformationEvent]:
    tries_left = TRIES
    while True:
        tries_left -= 1
        try:
            return list(events)
        except OperationalError as error:
            if not tries_left or not database.are_all_taken(error):
                raise
        finally:
            database.give_back()


def recorded(events: Iterable[InformationEvent], by: str, form: str) -> Generator[InformationEvent, None, None]:
    """Log how many events the user named `by` has exported, also if the export is aborted."""
    count = 0
    try:
        for event in events:
            count += 1
            yield event
    finally:
        _log.info("'%s' exported %d event(s) as %s", by, count, form)


def _json_lines(events: Iterable[InformationEvent]) -> Iterator[str]:
    for event in events:
        yield json.dumps(as_dict(event), ensure_ascii=False) + "\n"


def _csv_lines(events: Iterable[InformationEvent]) -> Iterator[str]:
    return csv_lines(EventSerializer().fields, (as_dict(event).values() for event in events))


FILES: Final[Mapping[str, tuple[Callable[[Iterable[InformationEvent]], Iterator[str]], str]]] = {
    "csv": (_csv_lines, "text/csv"),
    "jsonl": (_json_lines, "application/jsonl"),
}
"""How to render each kind of file, and its media type."""
