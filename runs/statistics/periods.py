"""Periods of time, cut into the steps of a chart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from runs.statistics.models import StoredStep

KEPT: Final = {
    StoredStep.MINUTE: timedelta(hours=48),
    StoredStep.HOUR: timedelta(days=35),
    StoredStep.DAY: timedelta(days=400),
}
"""How long counters are kept."""

MOST_POINTS: Final = 1_500
_CHART_POINTS: Final = 150
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE: Final = timedelta(minutes=1)


class Step(StrEnum):
    """The time between two points of a chart. Days are those of UTC."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER = "15m"
    HOUR = "1h"
    SIX_HOURS = "6h"
    DAY = "1d"

    @property
    def minutes(self) -> int:
        return _MINUTES[self]

    @property
    def stored(self) -> StoredStep:
        """The counters that are read for it."""
        return max(step for step in StoredStep if step <= self.minutes)


_MINUTES: Final = {
    Step.MINUTE: 1,
    Step.FIVE_MINUTES: 5,
    Step.QUARTER: 15,
    Step.HOUR: 60,
    Step.SIX_HOURS: 360,
    Step.DAY: 1_440,
}


@dataclass(frozen=True)
class Period:
    """Whole steps: from the minute `first`, counted since 1970, to before the minute `end`."""

    first: int
    end: int
    step: Step

    @classmethod
    def of(cls, since: datetime, until: datetime, step: Step | None = None) -> "Period":
        """The steps that contain any of this time; `step` None chooses one whose counters are still there.

        Raises:
            ValueError: `until` is not later than `since`, or there are more than `MOST_POINTS` points.
        """
        if until <= since:
            raise ValueError("the end must be later than the beginning")
        chosen = step or _fitting_step(since, until)
        first, last = (minute_of(moment) // chosen.minutes for moment in (since, until - timedelta.resolution))
        if last - first >= MOST_POINTS:
            raise ValueError(f"more than {MOST_POINTS} points: choose a larger step or less time")
        return cls(first * chosen.minutes, (last + 1) * chosen.minutes, chosen)

    @property
    def since(self) -> datetime:
        return moment_of(self.first)

    @property
    def until(self) -> datetime:
        return moment_of(self.end)

    @property
    def points(self) -> Sequence[datetime]:
        """When each step begins."""
        return [moment_of(minute) for minute in self.minutes]

    @property
    def minutes(self) -> range:
        """The first minute of each step."""
        return range(self.first, self.end, self.step.minutes)

    @property
    def stretch(self) -> "TimeStretch":
        """The same time in the counters that are no larger than a step."""
        return TimeStretch(self.step.stored, self.first, self.end)

    @property
    def stretches(self) -> Sequence["TimeStretch"]:
        """The same time in as few counters as possible: days in the middle, hours and minutes at both ends."""
        return list(_stretches(self.first, self.end, self.step.stored))


class TimeStretch(NamedTuple):
    """From the minute `first` to before the minute `end`, in counters of one step."""

    step: StoredStep
    first: int
    end: int


def _stretches(first: int, end: int, smallest: StoredStep) -> Iterator[TimeStretch]:
    for step in sorted(StoredStep, reverse=True):
        begin, over = -(-first // step) * step, end // step * step
        if step > smallest and begin < over:
            yield from _stretches(first, begin, smallest)
            yield TimeStretch(step, begin, over)
            yield from _stretches(over, end, smallest)
            return
    if first < end:
        yield TimeStretch(smallest, first, end)


def minute_of(moment: datetime) -> int:
    return (moment - _EPOCH) // _MINUTE


def moment_of(minute: int) -> datetime:
    return _EPOCH + minute * _MINUTE


def _fitting_step(since: datetime, until: datetime) -> Step:
    """The smallest step that makes a readable chart and whose counters reach back to `since`."""
    age = datetime.now(UTC) - since
    for step in Step:
        if (until - since) / _MINUTE <= _CHART_POINTS * step.minutes and age <= KEPT[step.stored]:
            return step
    return Step.DAY
