"""How much of what an API may miss of its objectives is used up, over the last 30 days."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from definitions.models import ApiDefinition
from fleet.records import RunStatus
from hosts.jobs import RunKind
from runs.statistics import query
from runs.statistics.figures import Figures
from runs.statistics.periods import Period, Step
from runs.statistics.query import StatisticsFilters

WINDOW: Final = timedelta(days=30)
OF_CLIENTS: Final = (RunKind.TRIGGER.value, RunKind.MESSAGE.value)
_PACE: Final = timedelta(days=1)
_SLOW_SHARE: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class ObjectiveState:
    """The objectives of an API and what it achieves. `calls` are those that succeeded or failed.

    Rates are in percent, times in milliseconds. What is used of an allowance is a fraction, 1 for all of it.
    """

    target_rate: float | None
    target_p95: int | None
    calls: int
    failures: int
    recent_failures: int
    """Those of the last day."""
    p95: float | None
    slow_share: float | None
    """How many answers took longer than the target, from 0 to 1."""

    @property
    def success_rate(self) -> float | None:
        return 100 * (self.calls - self.failures) / self.calls if self.calls else None

    @property
    def allowed_failures(self) -> float | None:
        """How many of these calls may fail."""
        return None if self.target_rate is None else self.calls * (100 - self.target_rate) / 100

    @property
    def failures_used(self) -> float | None:
        """The fraction of the allowed failures that there were; None without calls or target."""
        return self.failures / self.allowed_failures if self.allowed_failures else None

    @property
    def days_left(self) -> float | None:
        """After how many days as the last one no failure is left; None if that day had none."""
        if self.allowed_failures is None or not self.recent_failures:
            return None
        return max(0.0, self.allowed_failures - self.failures) / self.recent_failures

    @property
    def slow_used(self) -> float | None:
        """The fraction of the slow answers that a 95th percentile allows; None without answers or target."""
        return None if self.slow_share is None else self.slow_share / _SLOW_SHARE

    @property
    def is_used_up(self) -> bool:
        return any(used is not None and used > 1 for used in (self.failures_used, self.slow_used))


def used(definition: ApiDefinition, now: datetime) -> ObjectiveState:
    return states([definition], now)[definition.pk]


def states(definitions: Iterable[ApiDefinition], now: datetime) -> Mapping[UUID, ObjectiveState]:
    """The state of each of these definitions, by id. Durations are read only for those that have a target for them."""
    found = {definition.pk: definition for definition in definitions}
    timed = [pk for pk, definition in found.items() if definition.objective_p95_milliseconds is not None]
    figures: dict[UUID, Figures] = {}
    for period in _window(now):
        counted = query.counts_by("definition", _calls_of([pk for pk in found if pk not in timed]), period)
        for part in (counted, query.by("definition", _calls_of(timed), period)):
            for pk, each in part.items():
                figures[pk] = figures.get(pk, Figures()) + each
    recent = query.counts_by("definition", _calls_of(found), Period.of(now - _PACE, now, Step.HOUR))
    return {pk: _state(one, figures.get(pk, Figures()), recent.get(pk, Figures())) for pk, one in found.items()}


def _calls_of(ids: Iterable[UUID]) -> StatisticsFilters:
    # A filter without values would match everything.
    return StatisticsFilters(definition=tuple(ids) or (UUID(int=0),), kind=OF_CLIENTS)


def _state(definition: ApiDefinition, figures: Figures, recent: Figures) -> ObjectiveState:
    target_p95 = definition.objective_p95_milliseconds
    return ObjectiveState(
        target_rate=definition.objective_success_rate,
        target_p95=target_p95,
        calls=figures.by_status[RunStatus.SUCCEEDED] + figures.failures,
        failures=figures.failures,
        recent_failures=recent.failures,
        p95=None if target_p95 is None else figures.total.percentile(1 - _SLOW_SHARE),
        slow_share=None if target_p95 is None else figures.total.share_above(target_p95),
    )


def _window(now: datetime) -> Iterator[Period]:
    """The 30 days in whole hours: whole days by counters of days, which are fewer, and the rest by those of hours."""
    day = Step.DAY.minutes
    whole = Period.of(now - WINDOW, now, Step.HOUR)
    first_day, last_day = -(-whole.first // day) * day, whole.end // day * day
    for first, end, step in (
        (whole.first, first_day, Step.HOUR),
        (first_day, last_day, Step.DAY),
        (last_day, whole.end, Step.HOUR),
    ):
        if first < end:
            yield Period(first, end, step)
