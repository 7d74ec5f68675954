"""How long runs are kept, and which versions of scripts stay for them."""

import time
from datetime import timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from celery import current_app
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from automation import retention as version_retention
from automation.versions import ScriptVersion
from fleet.records import Authority, RunStatus
from runs import retention
from runs.models import Run, RunBodies, RunLog, RunsNotKept
from runs.tasks import prune_runs
from tests.automation.saved import change, numbers, save
from tests.race import race
from tests.runs.records import id_at
from udapi_site import timetable


@pytest.fixture(autouse=True)
def clean(no_runs):
    """The tests of this file look at all runs."""


def kept(days: float, count: int = 1, **values: object) -> list[UUID]:
    """Store runs of so many days ago, with logs and bodies."""
    moment = timezone.now() - timedelta(days=days)
    ids = [UUID(id_at(moment)) for _ in range(count)]
    told = {"kind": "Trigger", "status": RunStatus.SUCCEEDED, "authority": Authority.ENDED} | values
    Run.objects.bulk_create(Run(id=run_id, **told) for run_id in ids)
    RunLog.objects.bulk_create(RunLog(run_id=run_id, text="1\thello\n") for run_id in ids)
    RunBodies.objects.bulk_create(RunBodies(run_id=run_id, request="{}", response="") for run_id in ids)
    return ids


def stored(model=Run) -> set[UUID]:
    return set(model.objects.values_list("pk", flat=True))


def test_runs_older_than_the_days_are_deleted_with_logs_and_bodies():
    kept(31, 3)
    newer = kept(29, 2)
    assert retention.prune(30, 1_000) == 3
    assert stored() == stored(RunLog) == stored(RunBodies) == set(newer)
    assert retention.prune(30, 1_000) == 0


def test_the_oldest_beyond_the_number_are_deleted():
    old, new = kept(5, 4), kept(1, 6)
    assert retention.prune(30, 8) == 2
    assert stored() > set(new)
    assert len(stored() & set(old)) == 2
    assert retention.prune(30, 6) == 2
    assert stored() == stored(RunLog) == set(new)
    assert (retention.prune(30, 6), retention.prune(30, 5)) == (0, 1)


def test_logs_and_bodies_without_a_run_are_deleted_too():
    (lost,) = kept(31)
    (newer,) = kept(1)
    Run.objects.filter(pk=lost).delete()
    assert retention.prune(30, 1_000) == 0
    assert stored(RunLog) == stored(RunBodies) == {newer}


def test_many_runs_are_deleted_in_steps_between_which_others_write(monkeypatch):
    monkeypatch.setattr(retention, "STEP", 50)
    kept(31, 320)
    waited: list[float] = []

    def others() -> None:
        while len(waited) < 20 and Run.objects.exists():
            began = time.monotonic()
            RunsNotKept.objects.update_or_create(minute=timezone.now(), defaults={"records": 1})
            waited.append(time.monotonic() - began)

    deleted, _ = race(lambda: retention.prune(30, 1_000), others)
    assert deleted == 320
    assert waited
    assert max(waited) < 5
    assert not stored(RunLog) | stored(RunBodies)


def test_each_step_is_a_transaction_of_its_own(monkeypatch):
    monkeypatch.setattr(retention, "STEP", 2)
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0)
    kept(31, 5)
    with CaptureQueriesContext(connection) as captured:
        retention.prune(30, 1_000)
    deletes = [query["sql"] for query in captured if query["sql"].startswith('DELETE FROM "runs_run"')]
    assert len(deletes) == 3


def test_two_processes_prune_at_once():
    kept(31, 200)
    newer = kept(1, 3)
    outcomes = race(*[lambda: retention.prune(30, 1_000)] * 2)
    assert all(isinstance(count, int) for count in outcomes), outcomes
    assert stored() == stored(RunLog) == set(newer)


def test_counts_of_runs_that_were_not_kept_are_folded_and_their_sum_stays():
    now = timezone.now()
    for days, records in ((33, 1), (32, 2), (31, 4), (29, 8)):
        RunsNotKept.objects.create(minute=now - timedelta(days=days), records=records, extras=10 * records)
    for _ in range(2):
        retention.prune(30, 1_000)
        rows = RunsNotKept.objects.order_by("minute").values_list("records", "extras")
        assert list(rows) == [(7, 70), (8, 80)]


def test_the_task_follows_the_settings(settings):
    kept(3, 2)
    newer = kept(1, 2)
    settings.UDAPI_RUNS_KEEP_DAYS, settings.UDAPI_RUNS_KEEP_MAX = 2, 1
    prune_runs()
    assert len(stored() & set(newer)) == len(stored()) == 1
    assert timetable.entries()[prune_runs.name]["schedule"] == timedelta(minutes=10)
    assert prune_runs.name in current_app.tasks


# --- Versions ---


def _script_with_versions(count: int):
    script = save()
    for seconds in range(1, count):
        change(script, timeout_seconds=seconds)
    ScriptVersion._base_manager.update(created_at=timezone.now() - timedelta(days=2))
    return script


def test_versions_that_kept_runs_name_stay_until_these_are_deleted():
    script = _script_with_versions(8)
    kept(10, script_id=script.pk, script_version=2)
    kept(1, 3, script_id=script.pk, script_version=5)
    kept(1, script_id=uuid4(), script_version=3)
    kept(1, script_id=script.pk)
    version_retention.prune(1)
    assert numbers(script) == [2, 5, 8]
    retention.prune(7, 1_000)
    version_retention.prune(1)
    assert numbers(script) == [5, 8]


def test_the_versions_of_many_runs_are_found_from_the_index():
    """One step in the index per version: none of the queries reads more than one run."""
    script = _script_with_versions(3)
    kept(1, 300, script_id=script.pk, script_version=1)
    kept(1, 300, script_id=script.pk, script_version=3)
    with CaptureQueriesContext(connection) as captured:
        assert retention.versions_of_runs(script.pk) == {1, 3}
    assert len(captured) == 3
    plans = [_plan(query["sql"]) for query in captured]
    assert all("run_by_version" in plan and "TEMP B-TREE" not in plan for plan in plans), plans


def _plan(sql: str) -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE runs_run")
            cursor.execute(f"EXPLAIN {sql}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return " ".join(str(row) for row in cursor.fetchall())


@pytest.mark.parametrize("attempt", range(3))
def test_a_run_of_a_version_that_is_pruned_at_that_moment_is_stored(attempt):
    script = _script_with_versions(6)
    outcomes = race(
        lambda: kept(0.001, script_id=script.pk, script_version=2),
        lambda: version_retention.prune(1),
    )
    assert isinstance(outcomes[0], list) and isinstance(outcomes[1], int), outcomes
    assert stored() == set(outcomes[0])
    later = numbers(script)
    version_retention.prune(1)
    assert numbers(script) == later


def test_steps_follow_the_order_of_time():
    ids = kept(40) + kept(35) + kept(32)
    assert all(first < second for first, second in pairwise(ids))
    assert retention._delete_before(Run, ids[1]) == 1
    assert stored() == set(ids[1:])
