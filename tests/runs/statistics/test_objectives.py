"""How much of what an API may miss of its objectives is used up."""

from datetime import UTC, datetime, timedelta

import pytest

from definitions.models import ApiDefinition
from fleet.records import RunStatus
from hosts.jobs import RunKind
from runs import store
from runs.statistics import objectives
from runs.statistics.histogram import Histogram
from tests.runs.records import ended, id_at

pytestmark = pytest.mark.usefixtures("no_runs")

NOW = datetime(2026, 3, 31, 12, 30, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def aiming(rate: float | None = None, p95: int | None = None) -> ApiDefinition:
    """An API with these objectives, which need not be stored."""
    return ApiDefinition(objective_success_rate=rate, objective_p95_milliseconds=p95)


def runs(definition, *statuses, ago=HOUR, count=1, milliseconds=10, **values):
    over = int((NOW - ago).timestamp() * 1_000) + milliseconds
    about = {"definition_id": str(definition.pk), "run_milliseconds": milliseconds, "ended_at": over} | values
    store.store_records(
        [ended(status, id=id_at(NOW - ago), **about) for status in statuses for _ in range(count)],
    )


def test_failures_are_counted_against_what_the_success_rate_allows():
    definition = aiming(rate=90)
    runs(definition, RunStatus.SUCCEEDED, count=30, ago=DAY * 29)
    runs(definition, RunStatus.SUCCEEDED, count=7, ago=HOUR)
    runs(definition, RunStatus.FAILED, RunStatus.UNANSWERED, ago=DAY * 2)
    runs(definition, RunStatus.NEVER_STARTED)
    state = objectives.used(definition, NOW)
    assert (state.calls, state.failures, state.recent_failures) == (40, 3, 1)
    assert (state.success_rate, state.allowed_failures) == (92.5, 4.0)
    assert (state.failures_used, state.days_left, state.is_used_up) == (0.75, 1.0, False)
    assert (state.p95, state.slow_share, state.slow_used) == (None, None, None)
    runs(definition, RunStatus.FAILED, count=2)
    state = objectives.used(definition, NOW)
    assert (state.days_left, state.is_used_up) == (0.0, True)


def test_what_does_not_count():
    definition, other = aiming(rate=99.9), aiming(rate=50)
    runs(definition, RunStatus.REFUSED, RunStatus.CANCELLED)
    runs(definition, RunStatus.FAILED, kind=RunKind.REPLAY)
    runs(definition, RunStatus.FAILED, ago=DAY * 30 + HOUR)
    runs(other, RunStatus.SUCCEEDED, RunStatus.FAILED, kind=RunKind.MESSAGE)
    states = objectives.states([definition, other], NOW)
    nothing, half = states[definition.pk], states[other.pk]
    assert (nothing.calls, nothing.success_rate, nothing.failures_used, nothing.days_left) == (0, None, None, None)
    assert (half.success_rate, half.failures_used, half.is_used_up) == (50.0, 1.0, False)
    assert not nothing.is_used_up


def test_the_whole_time_counts_once_and_to_the_hour():
    definition = aiming(rate=50)
    for hours in range(30 * 24 + 3):
        runs(definition, RunStatus.SUCCEEDED, ago=HOUR * hours)
    # 30 days back from half past twelve begin in the hour of twelve.
    assert objectives.used(definition, NOW).calls == 30 * 24 + 1


def test_slow_answers_are_counted_against_a_twentieth():
    definition = aiming(p95=100)
    runs(definition, RunStatus.SUCCEEDED, count=97)
    runs(definition, RunStatus.SUCCEEDED, count=3, milliseconds=5_000)
    state = objectives.used(definition, NOW)
    assert state.slow_share == pytest.approx(0.03)
    assert state.slow_used == pytest.approx(0.6) and not state.is_used_up
    assert state.p95 is not None and state.p95 < 20
    assert (state.allowed_failures, state.failures_used, state.days_left) == (None, None, None)
    runs(definition, RunStatus.SUCCEEDED, count=5, milliseconds=5_000)
    state = objectives.used(definition, NOW)
    assert state.is_used_up and state.p95 == pytest.approx(5_000, rel=0.2)


def test_durations_above_a_limit():
    durations = Histogram.of([1, 2, 3, 1_000])
    assert [durations.share_above(limit) for limit in (0, 1, 3, 100, 10_000)] == [1.0, 0.75, 0.25, 0.25, 0.0]
    assert Histogram().share_above(1) is None
    assert Histogram.of([10_000] * 2).share_above(10_000) == pytest.approx(0.5, abs=0.5)
