"""Counters change with the runs: they always say what the stored runs say."""

import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from fleet.records import Authority, RunStatus
from foundation.ids import new_run_id
from hosts.jobs import RunKind
from runs import store
from runs.models import RunCounter, Series
from runs.statistics import retention
from runs.statistics.models import StoredStep
from testbed.agreement import assert_counters_match_runs
from tests.race import race
from tests.runs.records import ended, hand_over, id_at, seen

pytestmark = pytest.mark.usefixtures("no_runs")

APIS = [str(uuid.UUID(int=number)) for number in range(1, 4)]
LONG_AGO = datetime.now(UTC) - timedelta(days=5)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0)


def kept(*records):
    with transaction.atomic():
        store.store_records(records)


def test_a_run_is_counted_once_in_each_step():
    record = ended(definition_id=APIS[0], token_id=APIS[1], script_id=APIS[2], queue_milliseconds=3, run_milliseconds=9)
    kept(record, record)
    kept(record)
    for series in Series.objects.all():
        rows = RunCounter.objects.filter(series=series)
        assert sorted(rows.values_list("step", "succeeded")) == [(step, 1) for step in StoredStep]
    assert_counters_match_runs()


def test_a_run_that_goes_on_is_not_counted_yet():
    running = seen(Authority.SEEN_RUNNING, RunStatus.RUNNING)
    kept(running)
    assert not RunCounter.objects.exists()
    kept(ended(RunStatus.FAILED, id=running.id))
    assert_counters_match_runs()


def test_what_the_caller_was_told_moves_the_run():
    end = ended(definition_id=APIS[0])
    kept(end)
    kept(ended(RunStatus.UNANSWERED, id=end.id, authority=Authority.TOLD, definition_id=APIS[0]))
    assert sorted(RunCounter.objects.values_list("succeeded", "unanswered")) == [(0, 1)] * 6
    assert_counters_match_runs()


def test_records_in_any_order_and_any_batches():
    for seed in range(15):
        chance = random.Random(seed)
        records = [made for number in range(40) for made in _records(chance, number)]
        chance.shuffle(records)
        while records:
            size = chance.randint(1, 30)
            hand_over(*records[:size])
            del records[:size]
            store.store_all()
        assert_counters_match_runs()


def _records(chance, number):
    """The records of one run: seen, ended, told, some of them twice."""
    about = {
        "id": new_run_id(),
        "kind": chance.choice(list(RunKind)),
        "definition_id": chance.choice(["", *APIS]),
        "token_id": chance.choice(["", *APIS]),
        "script_id": chance.choice(["", *APIS]),
    }
    ends = [RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.REFUSED, RunStatus.NEVER_STARTED]
    times = {"queue_milliseconds": number, "run_milliseconds": number**3}
    made = [
        seen(Authority.SEEN_WAITING, RunStatus.QUEUED, **about),
        ended(chance.choice(ends), **about, **times),
        ended(RunStatus.UNANSWERED, **about, authority=Authority.TOLD),
    ]
    return chance.choices(made, k=chance.randint(1, 5))


def test_two_processes_that_store_the_same_runs_count_them_once():
    records = [ended(definition_id=APIS[number % 3], run_milliseconds=number) for number in range(150)]
    told = [ended(RunStatus.UNANSWERED, id=each.id, authority=Authority.TOLD) for each in records[::3]]
    parts = [[*records, *told], records[::-1], told + records]
    assert race(*(lambda part=part: kept(*part) for part in parts)) == [None] * 3
    assert_counters_match_runs()


def test_a_run_that_the_database_refuses_is_not_counted():
    good, bad = ended(definition_id=APIS[0]), ended(definition_id=APIS[0])
    bad.id = "nonsense"
    hand_over(good, bad)
    store.store_all()
    assert_counters_match_runs()
    assert list(RunCounter.objects.filter(step=StoredStep.DAY).values_list("succeeded", flat=True)) == [1, 1]


def days(**columns):
    return list(RunCounter.objects.filter(step=StoredStep.DAY, **columns).values_list("succeeded", "unanswered"))


def test_a_run_changes_after_its_minute_was_deleted():
    first, second = (ended(definition_id=APIS[0], id=id_at(LONG_AGO), run_milliseconds=5) for _ in range(2))
    kept(first, second)
    RunCounter.objects.filter(step=StoredStep.MINUTE).delete()
    kept(ended(RunStatus.UNANSWERED, id=first.id, authority=Authority.TOLD, run_milliseconds=5))
    assert days() == [(1, 1)] * 2
    again = RunCounter.objects.filter(step=StoredStep.MINUTE)
    assert list(again.values_list("succeeded", "unanswered")) == [(0, 1)] * 2
    retention.prune()
    assert not again.exists()
    assert days() == [(1, 1)] * 2


@pytest.mark.parametrize("year", [1970, 2020, 4000, 9999])
def test_a_clock_that_is_wrong_by_years_leaves_nothing_for_ever(year):
    kept(ended(id=id_at(datetime(year, 1, 2, tzinfo=UTC)), run_milliseconds=2**31, ended_at=2**62))
    assert RunCounter.objects.count() == 6
    kept(ended())
    retention.prune()
    assert RunCounter.objects.count() == 6
    assert Series.objects.count() == 2


def test_series_of_a_batch_are_found_with_one_statement():
    records = [
        ended(definition_id=chance_id, token_id=APIS[number % 3], script_id=str(uuid.UUID(int=number)))
        for number, chance_id in enumerate(str(uuid.uuid4()) for _ in range(250))
    ]
    kept(*records)
    with CaptureQueriesContext(connection) as queries:
        kept(*(ended(definition_id=each.definition_id, token_id=each.token_id) for each in records))
    assert sum("runs_series" in each["sql"] for each in queries) <= 3
    assert_counters_match_runs()


def test_runs_are_counted_while_series_are_forgotten():
    def count():
        for _ in range(15):
            RunCounter.objects.all().delete()
            kept(ended(definition_id=APIS[0]))
        return Series.objects.get(definition_id=APIS[0]).pk

    def forget():
        for _ in range(30):
            retention.prune()

    counted, forgotten = race(count, forget)
    assert forgotten is None
    assert RunCounter.objects.filter(series=counted).exists()
