"""Exports of events as files, read in pages: a client that receives slowly holds no connection to the database."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from django.db import OperationalError
from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from events import formats
from events.models import InformationEvent
from web import database

PAGE = 1_000
"""Events that an export holds at once."""

TRIES = 5
"""How often an export asks for a page: one that has run for an hour should survive a busy moment."""

FILES: Final[Mapping[str, tuple[Callable[[Iterable[InformationEvent]], Iterator[str]], str]]] = {
    "csv": (formats.csv_lines, "text/csv"),
    "jsonl": (formats.json_lines, "application/jsonl"),
}
"""The lines and the media type of each kind of file."""


def export(events: "QuerySet[InformationEvent]", kind: str, by: str) -> StreamingHttpResponse:
    """`events`, oldest first, as a file of `kind` for the user named `by`; it is made while it is sent."""
    lines, media_type = FILES[kind]
    file_name = f"events.{kind}"
    return StreamingHttpResponse(
        lines(formats.recorded(in_pages(events), by, file_name)),
        content_type=f"{media_type}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"', "Cache-Control": "no-store"},
    )


def in_pages(events: "QuerySet[InformationEvent]") -> Iterator[InformationEvent]:
    """`events`, oldest first, without those that are recorded after the export began.

    No connection to the database is held while an event is used.

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
