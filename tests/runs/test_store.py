"""From the buffer to the database: nothing is lost, nothing comes twice, and nothing blocks the rest."""

import msgspec
import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from broker.client import client
from broker.lease import Lease
from fleet import redis_keys
from fleet.records import Authority, RunExtras, RunRecord, RunStatus, encode
from foundation.ids import new_run_id
from runs import store
from runs.models import RecordSource, Run, RunBodies, RunLog, RunsNotKept
from tests.race import race
from tests.runs.records import buffered, ended, hand_over, seen

NODE = "a" * 32


@pytest.fixture(autouse=True)
def clean(no_runs):
    """The tests of this file look at all runs."""


def numbered(count: int) -> list[RunRecord]:
    return [ended(source=NODE, number=number) for number in range(1, count + 1)]


def test_more_than_a_batch_is_stored_and_removed():
    records = numbered(store.BATCH + 20)
    hand_over(*records)
    assert store.store_all() == len(records)
    assert Run.objects.count() == len(records)
    assert buffered() == (0, 0)
    assert RecordSource.objects.get(pk=NODE).missing == []


def test_logs_and_bodies_beyond_a_batch_are_stored():
    records = numbered(store.EXTRAS_BATCH + 5)
    extras = {each.id: RunExtras(id=each.id, log="1\thello\n", request=b"{}") for each in records}
    hand_over(*records, extras=extras)
    store.store_all()
    assert RunLog.objects.count() == RunBodies.objects.count() == len(records)
    assert buffered() == (0, 0)


def test_a_run_that_is_stored_as_running_ends():
    running = seen(Authority.SEEN_RUNNING, RunStatus.RUNNING)
    hand_over(running)
    store.store_all()
    assert Run.objects.get().ended_at is None
    hand_over(ended(RunStatus.FAILED, id=running.id), running)
    store.store_all()
    assert Run.objects.get().status == RunStatus.FAILED


def test_two_processes_store_the_same_batch_at_the_same_moment():
    """The lease of one was lost while the database was slow."""
    records = numbered(200)
    told = [ended(RunStatus.UNANSWERED, id=each.id, authority=Authority.TOLD) for each in records[::2]]

    def store_them(batch):
        with transaction.atomic():
            store.store_records(batch)
            store.store_extras([RunExtras(id=each.id, log="1\thello\n") for each in records])

    outcomes = race(
        lambda: store_them([*records, *told]), lambda: store_them(records[::-1]), lambda: store_them(told + records)
    )
    assert outcomes == [None] * 3
    assert Run.objects.count() == RunLog.objects.count() == 200
    assert Run.objects.filter(status=RunStatus.UNANSWERED).count() == 100
    assert Run.objects.exclude(later="").count() == 100


def test_two_processes_that_remove_the_same_batch_count_its_bytes_once():
    hand_over(*numbered(10))
    batch = store._read()
    hand_over(ended())
    store._remove(batch)
    _, held = buffered()
    store._remove(batch)
    assert buffered() == (1, held)
    store.store_all()
    assert buffered() == (0, 0)


def test_a_process_that_dies_before_it_removes_a_batch_stores_it_again():
    hand_over(*numbered(5))
    store._store(store._read(), {})
    assert store.store_all() == 5
    assert Run.objects.count() == 5


def test_a_record_that_cannot_be_stored_is_counted_and_does_not_block_the_others(caplog):
    good, bad = numbered(3), ended(id="no id", source=NODE, number=4)
    last = ended(source=NODE, number=5)
    extras = {key: RunExtras(id=key, log="1\tx\n") for key in (good[0].id, "no id")}
    hand_over(*good, bad, last, extras=extras)
    store.store_all()
    assert Run.objects.count() == 4
    assert RunLog.objects.count() == 1
    assert RunsNotKept.objects.values_list("records", "extras").get() == (1, 1)
    assert "the run 'no id' cannot be stored" in caplog.text
    assert buffered() == (0, 0)
    assert RecordSource.objects.get(pk=NODE).missing == []


def test_a_record_that_cannot_be_read_is_missing():
    first, _, third = numbered(3)
    hand_over(first, third)
    client().xadd(redis_keys.records(), {"r": b"\xc1"})
    client().xadd(redis_keys.records(), {"other": b""})
    client().xadd(redis_keys.extras(), {"x": msgspec.msgpack.encode([first.id, b"\xff"])})
    store.store_all()
    assert Run.objects.count() == 2
    assert [list(known[:2]) for known in RecordSource.objects.get(pk=NODE).missing] == [[2, 2]]
    assert buffered()[0] == 0


def test_values_that_no_column_holds_are_stored_as_far_as_they_fit():
    strange = ended(
        RunStatus.FAILED,
        message="a\0b\ud800",
        script_name="n" * 300,
        route="r" * 3_000,
        user="u" * 300,
        client_address="c" * 99,
        method="M" * 30,
        reason="R" * 99,
        queue_milliseconds=-1,
        run_milliseconds=2**62,
        response_code=-5,
        error_code=2**40,
        node=-3,
        script_version=2**40,
        ended_at=-(2**60),
        source="s" * 99,
        number=2**63,
    )
    extras = RunExtras(id=strange.id, log="1\t\0\ud800\n", request=b"\xff\0", response=b"\xfe")
    hand_over(strange, extras={strange.id: extras})
    store.store_all()
    run = Run.objects.get()
    assert (run.message, run.queue_milliseconds, run.run_milliseconds) == ("a\ufffdb?", 0, 2**31 - 1)
    assert RunLog.objects.get().text == "1\t\0?\n"
    assert RunBodies.objects.get().request == "\ufffd\0"
    assert not RunsNotKept.objects.exists()


def test_a_batch_stays_while_the_database_refuses_to_write():
    """A full disk, a read-only standby, a lost table: nothing that a record is to blame for."""
    hand_over(*numbered(3))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE runs_run RENAME TO elsewhere")
    try:
        with pytest.raises(DatabaseError):
            store.store_all()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO runs_run")
    assert buffered()[0] == 3
    assert not RecordSource.objects.exists()
    assert store.store_all() == 3
    assert not RunsNotKept.objects.exists()


def test_what_is_still_in_the_buffer_is_not_missing(monkeypatch):
    """The database was away for minutes: what waits takes longer than one turn of the task."""
    monkeypatch.setattr(store, "_LONGEST_SECONDS", 0.0)
    hand_over(*numbered(2))
    assert store.store_all() == 0
    assert not RecordSource.objects.exists()


def test_another_storer_at_work_is_left_alone():
    hand_over(*numbered(2))
    lease = Lease(store._LEASE, 20)
    assert lease.hold()
    try:
        assert store.store_all() is None
    finally:
        lease.release()
    assert store.store_all() == 2


def test_a_log_whose_run_comes_later_waits_for_it():
    run_id = new_run_id()
    _, extra = encode((ended(id=run_id), RunExtras(id=run_id, log="1\thello\n")))
    client().xadd(redis_keys.extras(), {"x": extra})
    store.store_all()
    hand_over(ended(id=run_id, has_log=True))
    store.store_all()
    assert RunLog.objects.get().pk == Run.objects.get().pk
    assert Run.objects.get().accepted_at <= timezone.now()
