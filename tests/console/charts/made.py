"""Figures made by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.http import QueryDict

from console.charts.ranges import ChosenRange
from console.charts.sparklines import OF_CLIENTS
from console.charts.timeline import MeasuredRuns
from runs.statistics.figures import COUNTED, Figures
from runs.statistics.histogram import Histogram
from runs.statistics.periods import Period, Step
from runs.statistics.query import StatisticsFilters

MORNING = datetime(2026, 3, 15, 6, tzinfo=UTC)


def figures(milliseconds: Sequence[int] = (), **counts: int) -> Figures:
    """`figures([80, 90], succeeded=2)`."""
    durations = Histogram.of(milliseconds)
    return Figures(tuple(counts.get(column, 0) for column in COUNTED.values()), durations, durations, durations)


def measured(*points: Figures, step: Step = Step.HOUR, filters: StatisticsFilters | None = None) -> MeasuredRuns:
    """What was measured from the morning on, a point for each step."""
    end = MORNING + len(points) * timedelta(minutes=step.minutes)
    chosen = ChosenRange("", MORNING, end, QueryDict())
    clients = StatisticsFilters(kind=OF_CLIENTS)
    return MeasuredRuns.from_points(filters or clients, chosen, Period.of(MORNING, end, step), points)
