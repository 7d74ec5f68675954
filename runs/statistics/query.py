"""What the counters say: over time, in sum, and for each definition, token or script."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from django.db.models import QuerySet, Sum

from runs.statistics import figures
from runs.statistics.figures import COLUMNS, COUNTED, Figures
from runs.statistics.models import EVERYTHING, NOBODY, RunCounter, Series
from runs.statistics.periods import Period, TimeStretch

Dimension = Literal["definition", "token", "script"]

_SUMS: Final = {f"sum_{column}": Sum(column) for column in COUNTED.values()}
_FEW: Final = 500
_AT_ONCE: Final = 2_000
_NONE: Final = Figures()


@dataclass(frozen=True, kw_only=True)
class StatisticsFilters:
    """Which runs count; several values of one filter are alternatives. Without filters, every run."""

    definition: Sequence[UUID] = ()
    token: Sequence[UUID] = ()
    script: Sequence[UUID] = ()
    kind: Sequence[str] = ()


def over_time(filters: StatisticsFilters, period: Period) -> Sequence[tuple[datetime, Figures]]:
    """The figures of each step of the period, empty ones included, with the time at which it begins."""
    size, rows = period.step.minutes, _rows([period.stretch], _together(filters), "start")
    found = figures.sums((start // size * size, row) for start, *row in rows)
    return [(point, found.get(minute, _NONE)) for minute, point in zip(period.minutes, period.points, strict=True)]


def total(of_time: Iterable[tuple[datetime, Figures]]) -> Figures:
    """The sum of what `over_time` returned."""
    found = Figures()
    for _, each in of_time:
        found += each
    return found


def summed(filters: StatisticsFilters, period: Period) -> Figures:
    """The figures of the whole period."""
    rows = _rows(period.stretches, _together(filters))
    return figures.sums((None, row) for row in rows).get(None, _NONE)


def by(dimension: Dimension, filters: StatisticsFilters, period: Period) -> Mapping[UUID, Figures]:
    """The figures of the whole period for each definition, token or script that has any."""
    series = series_with(dimension, filters)
    owners = dict(series.values_list("pk", f"{dimension}_id"))
    return figures.sums((owners[pk], row) for pk, *row in _rows(period.stretches, series, "series_id"))


def counts_by(dimension: Dimension, filters: StatisticsFilters, period: Period) -> Mapping[UUID, Figures]:
    """As `by`, without durations: the database adds up, so that thousands of APIs take no longer than one."""
    found: defaultdict[UUID, Figures] = defaultdict(Figures)
    series = series_with(dimension, filters)
    owners = dict(series.values_list("pk", f"{dimension}_id"))
    chosen = _few_or_all(series)
    for stretch in period.stretches:
        rows = _within(stretch).filter(series__in=chosen).values("series_id").annotate(**_SUMS)
        for pk, *counts in rows.values_list("series_id", *_SUMS):
            found[owners[pk]] += Figures(tuple(counts))
    return dict(found)


def calls_over_time(
    dimension: Dimension, ids: Collection[UUID], filters: StatisticsFilters, period: Period
) -> Mapping[UUID, Sequence[tuple[int, int]]]:
    """Calls and failures of each step of the period, for each of `ids`, in one query: for the rows of a list."""
    name, size = f"series__{dimension}_id", period.step.minutes
    found = {key: [[0, 0] for _ in period.minutes] for key in ids}
    rows = _within(period.stretch).filter(series__in=_series(filters).filter(**{f"{dimension}_id__in": ids}))
    for key, start, *counts in rows.values(name, "start").annotate(**_SUMS).values_list(name, "start", *_SUMS):
        each = Figures(tuple(counts))
        point = found[key][(start - period.first) // size]
        point[0] += each.calls
        point[1] += each.failures
    return {key: [(calls, failures) for calls, failures in points] for key, points in found.items()}


def series_with(dimension: Dimension, filters: StatisticsFilters) -> "QuerySet[Series]":
    """The series that the filters choose and that have a definition, token or script."""
    return _series(filters).exclude(**{f"{dimension}_id__in": (NOBODY, EVERYTHING)})


def _together(filters: StatisticsFilters) -> "QuerySet[Series]":
    """The series whose sum is asked for. Without ids, that of everything has it already."""
    if filters.definition or filters.token or filters.script:
        return _series(filters)
    return _series(filters).filter(definition_id=EVERYTHING)


def _series(filters: StatisticsFilters) -> "QuerySet[Series]":
    """The series that the filters choose, those of everything included."""
    wanted = {
        "definition_id__in": filters.definition,
        "token_id__in": filters.token,
        "script_id__in": filters.script,
        "kind__in": filters.kind,
    }
    return Series.objects.filter(**{name: values for name, values in wanted.items() if values})


def _rows(stretches: Iterable[TimeStretch], wanted: "QuerySet[Series]", *names: str) -> Iterator[Sequence[Any]]:
    """These columns and the figures of each counter. They are read in parts: all at once would take much memory."""
    chosen = _few_or_all(wanted)
    for stretch in stretches:
        rows = _within(stretch).filter(series__in=chosen).values_list(*names, *COLUMNS)
        yield from rows.iterator(_AT_ONCE)


def _few_or_all(wanted: "QuerySet[Series]") -> "QuerySet[Series] | Sequence[int]":
    """The ids of few series: the database then walks through each from its first to its last counter."""
    ids = list(wanted.values_list("pk", flat=True)[: _FEW + 1])
    return ids if len(ids) <= _FEW else wanted


def _within(stretch: TimeStretch) -> "QuerySet[RunCounter]":
    return RunCounter.objects.filter(step=stretch.step, start__gte=stretch.first, start__lt=stretch.end)
