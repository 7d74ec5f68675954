"""Small charts without scales, in lists and beside figures. Each says in words what it shows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.charts.plots import LINE_WIDTH, PlotLine, line
from console.charts.scales import highest_of
from hosts.jobs import RunKind
from runs.statistics.periods import Period
from runs.statistics.query import Dimension, StatisticsFilters, calls_over_time

OF_CLIENTS: Final = (RunKind.TRIGGER.value, RunKind.MESSAGE.value)
"""What users try or repeat says nothing about how clients fare."""

_HEIGHT: Final = 100
_BAR: Final = 8
_PLACE: Final = 10
_SMALLEST: Final = 6.0


@dataclass(frozen=True)
class Sparkline:
    """Bars of calls, those that failed at the ground; both are paths in a view box of `width` by 100."""

    calls: int
    failures: int
    width: int
    answered: str
    failed: str

    @property
    def label(self) -> str:
        text = ngettext("%(calls)s call", "%(calls)s calls", self.calls) % {"calls": f"{self.calls:,}"}
        return _("%(calls)s, %(failures)s failed") % {"calls": text, "failures": f"{self.failures:,}"}


@dataclass(frozen=True)
class TrendLine:
    """A line with what lies below it, in a view box of `width` by 100; empty without a value."""

    line: PlotLine
    width: int = LINE_WIDTH

    def __bool__(self) -> bool:
        return bool(self.line.area)


def sparklines(
    dimension: Dimension, ids: Collection[UUID], period: Period, kinds: Sequence[str] = OF_CLIENTS
) -> Mapping[UUID, Sparkline]:
    """One for each of `ids`, in one query."""
    found = calls_over_time(dimension, ids, StatisticsFilters(kind=kinds), period)
    return {key: sparkline_of(points) for key, points in found.items()}


def sparkline_of(points: Sequence[tuple[int, int]]) -> Sparkline:
    """`points` are calls and failures."""
    most = max((calls for calls, _failures in points), default=0)
    answered, failed = [], []
    for number, (calls, failures) in enumerate(points):
        base = _height(failures, most)
        failed.append(_bar(number, _HEIGHT, base))
        answered.append(_bar(number, _HEIGHT - base, _height(calls, most) - base if calls > failures else 0))
    calls, failures = (sum(column) for column in zip(*points, strict=True)) if points else (0, 0)
    return Sparkline(calls, failures, _PLACE * len(points), "".join(answered), "".join(failed))


def trend_of(values: Sequence[float | None], kind: str) -> TrendLine:
    return TrendLine(line(kind, values, highest_of(values) * 1.1 or 1))


def _height(count: int, most: int) -> float:
    return max(_SMALLEST, count / most * _HEIGHT) if count else 0


def _bar(number: int, ground: float, height: float) -> str:
    return f"M{number * _PLACE + 1} {ground:.0f}v-{height:.0f}h{_BAR}v{height:.0f}z" if height > 0 else ""
