"""The time of a chart, cut into places, and what was measured in each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, reduce
from operator import add
from typing import Final

from django.utils import timezone
from django.utils.dateformat import format as formatted
from django.utils.translation import gettext as _

from console.charts.links import csv_file, runs_behind
from console.charts.ranges import ChosenRange
from console.charts.scales import AxisTick, time_axis
from runs.statistics.figures import Figures
from runs.statistics.periods import Period, Step
from runs.statistics.query import StatisticsFilters, over_time

MOST_PLACES: Final = 150
_WEEK: Final = 7
"""Of more points than that, which only days can be, seven share a place."""


@dataclass(frozen=True)
class TimePlace:
    """A part of the time. It is partial if it is not over yet."""

    start: datetime
    end: datetime
    is_partial: bool
    in_days: bool

    @property
    def text(self) -> str:
        """`1 Dec 08:00-08:15 UTC`, or `1 Dec`; says whether it is partial."""
        last = self.end - timedelta(days=1)
        if not self.in_days:
            text = f"{formatted(self.start, 'j M H:i')}\N{EN DASH}{formatted(self.end, 'H:i')} UTC"
        elif last <= self.start:
            text = formatted(self.start, "j M Y")
        else:
            text = f"{formatted(self.start, 'j M')}\N{EN DASH}{formatted(last, 'j M Y')}"
        return _("%s, so far") % text if self.is_partial else text


@dataclass(frozen=True)
class Timeline:
    """Places beside each other, each of as many steps of the period."""

    period: Period

    @property
    def in_days(self) -> bool:
        """The steps are days of UTC, which no browser shows in its own zone."""
        return self.period.step is Step.DAY

    @property
    def steps(self) -> int:
        """How many steps share a place."""
        return 1 if len(self.period.minutes) <= MOST_PLACES else _WEEK

    @cached_property
    def places(self) -> list[TimePlace]:
        now, step = timezone.now(), timedelta(minutes=self.period.step.minutes)
        starts = self.period.points[:: self.steps]
        ends = [min(start + self.steps * step, self.period.until) for start in starts]
        return [TimePlace(start, end, end > now, self.in_days) for start, end in zip(starts, ends, strict=True)]

    @property
    def ticks(self) -> list[AxisTick]:
        return time_axis(self.period.since, self.period.until)


@dataclass(frozen=True)
class MeasuredRuns(Timeline):
    """The runs that charts show, made once for all charts of a page: one look at the statistics."""

    filters: StatisticsFilters
    chosen: ChosenRange
    figures: Sequence[Figures]
    """Of each place."""
    runs_page: str = ""
    """The list of the runs of one API, if these are such."""

    @classmethod
    def of(cls, filters: StatisticsFilters, chosen: ChosenRange) -> "MeasuredRuns":
        period = chosen.period
        return cls.from_points(filters, chosen, period, [each for _start, each in over_time(filters, period)])

    @classmethod
    def from_points(
        cls, filters: StatisticsFilters, chosen: ChosenRange, period: Period, points: Sequence[Figures]
    ) -> "MeasuredRuns":
        """`points` are the figures of each step of the period."""
        size = Timeline(period).steps
        groups = [points[first : first + size] for first in range(0, len(points), size)]
        return cls(period, filters, chosen, [reduce(add, group) for group in groups])

    @cached_property
    def total(self) -> Figures:
        return reduce(add, self.figures, Figures())

    def runs(self, statuses: Sequence[str] = (), place: TimePlace | None = None) -> str:
        """The list of the runs that were counted, in all or in one place."""
        since, until = (place.start, place.end) if place else (self.period.since, self.period.until)
        return runs_behind(self.filters, since, until, statuses, self.runs_page)

    @property
    def csv(self) -> str:
        return csv_file(self.filters, self.chosen)
