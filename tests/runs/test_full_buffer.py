"""The database refuses writes and the buffer is full: triggers go on, and what is lost is counted."""

from chaos.run_buffer import not_kept, publish_talkative, refused_writes
from fleet import redis_keys
from fleet.lua_parts import MOST_BUFFERED_BYTES
from fleet.record_buffer import RecordBuffer
from fleet.record_scripts import RECORD
from fleet.records import LONGEST_MESSAGE, Authority, RunRecord, RunStatus
from foundation.ids import new_run_id
from hosts.jobs import RunKind
from runs import gaps, store
from testbed.stack import wait_until

TRIGGERS = 10
_PART = 64


def fill(redis) -> None:
    """Fill the buffer with large records of one run."""
    buffer, run_id = RecordBuffer("filler"), new_run_id()
    for _ in range(MOST_BUFFERED_BYTES // LONGEST_MESSAGE // _PART + 1):
        part = [buffer.numbered((large_record(run_id), None)) for _ in range(_PART)]
        RECORD.run(redis, redis_keys.to_record(), *(piece for frames in part for piece in frames))


def large_record(run_id: str) -> RunRecord:
    record = RunRecord(id=run_id, authority=Authority.ENDED, status=RunStatus.FAILED, kind=RunKind.TRIGGER)
    record.message = "x" * LONGEST_MESSAGE
    return record


def buffered(redis) -> tuple[int, int, int]:
    """Records, logs and bodies, and the bytes of both."""
    held = int(redis.hget(redis_keys.buffered(), "bytes") or 0)
    return redis.xlen(redis_keys.records()), redis.xlen(redis_keys.extras()), held


def test_full_buffer_loses_logs_and_bodies_first_and_no_trigger_is_harmed(
    stack, publish, stored, postgresql_server, monkeypatch
):
    monkeypatch.setattr(gaps, "PATIENCE_SECONDS", 0)
    api = publish_talkative(publish)
    store.store_all()
    records_before, extras_before = not_kept()
    with stack.redis_client() as redis, refused_writes(postgresql_server):
        first = api.call(stack.client)
        # Beside its record, there may be those of triggers that a test before has called.
        assert (first.status_code, buffered(redis)[1]) == (200, 1)
        fill(redis)
        count, extras, held = buffered(redis)
        assert extras == 0 and MOST_BUFFERED_BYTES - 2 * LONGEST_MESSAGE < held <= MOST_BUFFERED_BYTES
        assert {api.call(stack.client).status_code for _ in range(TRIGGERS)} == {200}
        after, extras, held = buffered(redis)
        # Records are smaller than those that have filled the buffer: some may still have found room.
        assert extras == 0 and after - count <= TRIGGERS and held <= MOST_BUFFERED_BYTES
        assert redis.info("memory")["used_memory"] < 2 * MOST_BUFFERED_BYTES
    run = stored(first.headers["X-Trigger-Id"])
    assert run.has_log and run.has_bodies

    def is_counted() -> bool:
        store.store_all()
        lost, extras = not_kept()
        kept = after - count
        return lost - records_before >= TRIGGERS - kept and extras - extras_before >= 1 + TRIGGERS

    wait_until(is_counted, what="what was not kept")
    with stack.redis_client() as redis:
        wait_until(lambda: store.store_all() == 0 and buffered(redis) == (0, 0, 0), what="an empty buffer")
    stored(api.call(stack.client).headers["X-Trigger-Id"])
