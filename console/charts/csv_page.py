"""The numbers of a chart as a file."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.views.decorators.http import require_safe

from access.policy import RUN, allows
from console.charts.percentiles import SHARES, Duration, histogram_of
from console.charts.ranges import ChosenRange
from console.runs.rows import KIND_WORDS
from foundation.ids import parse_uuid
from foundation.spreadsheets import Value, csv_lines
from foundation.times import iso_utc
from runs.statistics.figures import Figures
from runs.statistics.query import StatisticsFilters, over_time

MOST_VALUES: Final = 50
_DURATIONS: Final[tuple[Duration, ...]] = ("queue", "run", "total")
_IDS: Final = ("definition", "token", "script")


@require_safe
def csv_page(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Calls by status and the percentiles of durations, in milliseconds, of each step of the time.

    Raises:
        PermissionDenied: the user may not view runs.
        Http404: the address names something that there cannot be.
    """
    if not allows(request.user, RUN, "view"):
        raise PermissionDenied
    filters, chosen = filters_of(request.GET), ChosenRange.of(request)
    of_time = over_time(filters, chosen.period)
    names = ["start", "calls", *Figures().by_status, *(f"{kind}_{name}" for kind in _DURATIONS for name in SHARES)]
    return StreamingHttpResponse(
        csv_lines(names, (_row(start, figures) for start, figures in of_time)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="statistics.csv"', "Cache-Control": "no-store"},
    )


def filters_of(query: QueryDict) -> StatisticsFilters:
    """What an address asks for; several values of a filter are separated by commas.

    Raises:
        Http404: a value is none that there can be, or there are too many.
    """
    ids = {name: [parse_uuid(text) for text in _values(query, name)] for name in _IDS}
    kinds = list(_values(query, "kind"))
    if not all(key for keys in ids.values() for key in keys) or not set(kinds) <= KIND_WORDS.keys():
        raise Http404
    known = {name: [key for key in keys if key] for name, keys in ids.items()}
    return StatisticsFilters(**known, kind=kinds)


def _values(query: QueryDict, name: str) -> list[str]:
    values = [text for text in query.get(name, "").split(",") if text]
    if len(values) > MOST_VALUES:
        raise Http404
    return values


def _row(start: datetime, figures: Figures) -> Iterator[Value]:
    yield iso_utc(start, "seconds")
    yield figures.calls
    yield from figures.by_status.values()
    for kind in _DURATIONS:
        for share in SHARES.values():
            value = histogram_of(figures, kind).percentile(share)
            yield None if value is None else round(value, 1)
