"""What the counters say: over time, in sum, and for each definition, token or script."""

import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from fleet.records import RunStatus
from hosts.jobs import RunKind
from runs import store
from runs.statistics import query, retention
from runs.statistics.models import EVERYTHING, RunCounter, Series, StoredStep
from runs.statistics.periods import MOST_POINTS, Period, Step
from runs.statistics.query import StatisticsFilters
from tests.runs.records import ended, id_at

pytestmark = pytest.mark.usefixtures("no_runs")

NOW = datetime(2026, 3, 15, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST, SECOND = uuid.UUID(int=1), uuid.UUID(int=2)
TOKEN = uuid.UUID(int=3)


def run(moment, status=RunStatus.SUCCEEDED, definition=FIRST, milliseconds=10, **values):
    wanted = {"definition_id": str(definition), "token_id": str(TOKEN), "queue_milliseconds": 1} | values
    keep(ended(status, id=id_at(moment), run_milliseconds=milliseconds, **wanted))


def keep(record):
    with transaction.atomic():
        store.store_records([record])


@pytest.fixture
def some():
    """Four runs of the first API in three minutes, two of the second, one subscript."""
    run(NOW - timedelta(minutes=3))
    run(NOW - timedelta(minutes=3), RunStatus.FAILED, milliseconds=500)
    run(NOW - timedelta(minutes=1), RunStatus.UNANSWERED)
    run(NOW - 2 * HOUR)
    run(NOW - timedelta(minutes=1), definition=SECOND)
    run(NOW - timedelta(minutes=1), definition=SECOND, kind=RunKind.REPLAY, token_id="")
    keep(ended(kind=RunKind.SUBSCRIPT, id=id_at(NOW - timedelta(minutes=2)), script_id=str(SECOND)))


LAST_HOUR = Period.of(NOW - HOUR, NOW, Step.MINUTE)


def test_each_minute_of_a_period(some):
    found = query.over_time(StatisticsFilters(definition=[FIRST]), LAST_HOUR)
    assert len(found) == 60
    assert found[0][0] == NOW - HOUR
    calls = {moment: (each.calls, each.failures) for moment, each in found if each.calls}
    assert calls == {NOW - timedelta(minutes=3): (2, 1), NOW - timedelta(minutes=1): (1, 1)}
    assert query.total(found) == query.summed(StatisticsFilters(definition=[FIRST]), LAST_HOUR)


def test_filters_of_dimensions_and_kinds(some):
    def calls(**filters):
        return query.summed(StatisticsFilters(**filters), LAST_HOUR).calls

    assert calls() == 6
    assert calls(definition=[SECOND]) == 2
    assert calls(definition=[FIRST, SECOND], kind=["Trigger"]) == 4
    assert calls(token=[TOKEN]) == 4
    assert calls(script=[SECOND]) == calls(kind=["Subscript"]) == 1
    assert calls(definition=[uuid.UUID(int=99)]) == 0


@pytest.mark.parametrize("ask", [query.by, query.counts_by])
def test_figures_of_each_definition(some, ask):
    found = ask("definition", StatisticsFilters(), LAST_HOUR)
    assert {key: (each.calls, each.failures) for key, each in found.items()} == {FIRST: (3, 2), SECOND: (2, 0)}


def test_calls_over_time_of_the_rows_of_a_list(some):
    period = Period.of(NOW - 4 * HOUR, NOW, Step.HOUR)
    wanted = [FIRST, SECOND, uuid.UUID(int=99)]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = query.calls_over_time("definition", wanted, StatisticsFilters(), period)
    assert len(queries) == 1
    assert found == {
        FIRST: [(0, 0), (0, 0), (1, 0), (0, 0), (3, 2)],
        SECOND: [(0, 0), (0, 0), (0, 0), (0, 0), (2, 0)],
        uuid.UUID(int=99): [(0, 0)] * 5,
    }


def test_percentiles_of_a_period(some):
    found = query.summed(StatisticsFilters(definition=[FIRST]), LAST_HOUR)
    assert found.run.percentile(0.5) == pytest.approx(10, rel=0.2)
    assert found.run.percentile(0.99) == pytest.approx(500, rel=0.2)
    assert (found.queue.percentile(0.95), found.error_rate) == (1, 2 / 3)


def test_steps_of_every_size_say_the_same(some):
    for step in Step:
        period = Period.of(NOW - 4 * HOUR, NOW, step)
        assert query.summed(StatisticsFilters(), period).calls == 7, step


@given(st.integers(0, 20_000), st.integers(1, 20_000), st.sampled_from(Step))
def test_stretches_are_the_same_time_in_few_counters(first, count, step):
    period = Period(first * step.minutes, (first + count) * step.minutes, step)
    stretches = period.stretches
    edges = [each.first for each in stretches] + [period.end]
    assert edges == [period.first] + [each.end for each in stretches]
    assert all(each.first % each.step == each.end % each.step == 0 for each in stretches)
    assert all(each.step >= step.stored for each in stretches)
    hours = sum((each.end - each.first) // each.step for each in stretches if each.step < StoredStep.DAY)
    assert hours <= 2 * (59 + 23)


def test_sums_are_those_of_the_points(some):
    chance = random.Random(1)
    for _ in range(60):
        run(NOW - timedelta(minutes=chance.randint(0, 4_000)), chance.choice([RunStatus.FAILED, RunStatus.SUCCEEDED]))
    for hours in (1, 30, 70):
        for step in (Step.QUARTER, Step.HOUR, Step.DAY):
            period = Period.of(NOW - hours * HOUR, NOW + HOUR, step)
            for filters in (StatisticsFilters(), StatisticsFilters(definition=[FIRST])):
                assert query.summed(filters, period) == query.total(query.over_time(filters, period))
            each = query.by("definition", StatisticsFilters(kind=["Trigger"]), period)
            assert query.total((NOW, found) for found in each.values()) == query.summed(
                StatisticsFilters(kind=["Trigger"]), period
            )
            counts = query.counts_by("definition", StatisticsFilters(kind=["Trigger"]), period)
            assert {key: found.counts for key, found in counts.items()} == {
                key: found.counts for key, found in each.items()
            }


@pytest.mark.parametrize(
    ("time", "step"),
    [
        (HOUR, Step.MINUTE),
        (6 * HOUR, Step.FIVE_MINUTES),
        (24 * HOUR, Step.QUARTER),
        (timedelta(days=7), Step.SIX_HOURS),
        (timedelta(days=30), Step.SIX_HOURS),
        (timedelta(days=36), Step.DAY),
        (timedelta(days=366), Step.DAY),
    ],
)
def test_step_of_a_readable_chart(time, step):
    now = datetime.now(UTC)
    period = Period.of(now - time, now)
    assert period.step is step
    assert len(period.points) <= 400
    assert period.since <= now - time < period.since + timedelta(minutes=step.minutes)
    assert period.until >= now


def test_old_time_is_read_from_the_counters_that_are_kept():
    now = datetime.now(UTC)
    assert Period.of(now - timedelta(hours=50), now - timedelta(hours=49)).step is Step.HOUR
    assert Period.of(now - timedelta(days=50), now - timedelta(days=49)).step is Step.DAY


def test_impossible_periods():
    with pytest.raises(ValueError, match="later"):
        Period.of(NOW, NOW)
    with pytest.raises(ValueError, match="points"):
        Period.of(NOW - timedelta(minutes=MOST_POINTS), NOW + timedelta(minutes=1), Step.MINUTE)
    assert len(Period.of(NOW - timedelta(minutes=MOST_POINTS), NOW, Step.MINUTE).points) == MOST_POINTS


def test_counters_are_kept_by_minute_by_hour_and_by_day(monkeypatch):
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0)
    now = datetime.now(UTC)
    for days in (0, 1, 3, 34, 37, 399, 402):
        run(now - timedelta(days=days), definition=SECOND if days > 400 else FIRST)
    retention.prune()
    kept = RunCounter.objects.filter(series__definition_id=FIRST).values_list("step", flat=True)
    assert {step: list(kept).count(step) for step in StoredStep} == {
        StoredStep.MINUTE: 2,
        StoredStep.HOUR: 4,
        StoredStep.DAY: 6,
    }
    assert {series.definition_id for series in Series.objects.all()} == {FIRST, EVERYTHING}
