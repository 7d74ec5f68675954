"""What waits and runs now, as Redis knows it, and what it has logged so far."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import msgspec

from broker.client import client
from fleet import celery_message, overview, records, redis_frames, redis_keys
from fleet.records import Authority, RunRecord, RunStatus
from foundation.ids import is_run_id
from hosts.jobs import Job

MOST_WAITING_SHOWN = 50
_MOST_BUFFERED_SEARCHED = 1_000


@dataclass(frozen=True)
class CurrentRuns:
    """The records of runs that go on, and of those that wait the longest."""

    running: Sequence[RunRecord]
    waiting: Sequence[RunRecord]

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(record.id for record in (*self.running, *self.waiting))


def look() -> CurrentRuns:
    """What goes on for longer than a moment, the oldest first.

    Raises:
        redis.RedisError
    """
    running = list(_decoded(frame for frame, is_alive in _entries().values() if is_alive))
    return CurrentRuns(sorted(running, key=lambda record: record.id), list(_waiting(_waiting_frames())))


def records_of(run_id: str) -> list[RunRecord]:
    """The records of a run that waits or runs, or has just ended and is not in the database yet; in no order.

    Raises:
        redis.RedisError
    """
    with client().pipeline(transaction=False) as pipeline:
        pipeline.hget(redis_keys.live_runs(), run_id)
        pipeline.hget(redis_keys.ticket(run_id), "frame")
        # Read last: a run that ends meanwhile is here.
        pipeline.xrevrange(redis_keys.records(), count=_MOST_BUFFERED_SEARCHED)
        entry, frame, newest = pipeline.execute()
    instance, _, live = (entry or b"").partition(b" ")
    running = [live] if entry and instance.decode() in _living() else []
    buffered = [fields[b"r"] for _, fields in newest if run_id.encode() in fields[b"r"]]
    found = [*_decoded([*running, *buffered]), *_waiting([frame])]
    return [record for record in found if record.id == run_id]


def _decoded(frames: Iterable[bytes]) -> Iterator[RunRecord]:
    for frame in frames:
        with suppress(msgspec.MsgspecError):
            record = records.decode_record(frame)
            if is_run_id(record.id):
                yield record


def forget_dead() -> None:
    """Remove the runs of nodes that are gone.

    Raises:
        redis.RedisError
    """
    if dead := [key for key, (_, is_alive) in _entries().items() if not is_alive]:
        client().hdel(redis_keys.live_runs(), *dead)


def _entries() -> dict[str, tuple[bytes, bool]]:
    """Id of each run → its record, and whether its node is alive."""
    found = cast(dict[bytes, bytes], client().hgetall(redis_keys.live_runs()))
    if not found:
        # Most often, and this is asked each second.
        return {}
    living = _living()
    parts = {key.decode(): entry.partition(b" ") for key, entry in found.items()}
    return {key: (frame, instance.decode() in living) for key, (instance, _, frame) in parts.items()}


def _living() -> set[str]:
    return {each.instance for each in overview.look(with_leaving=True).nodes}


def log_of(run_id: str, start: int = 0) -> list[str]:
    """The lines that a run has logged so far, from number `start` on; of a run that has just ended, too.

    Raises:
        redis.RedisError
    """
    return [line.decode() for line in cast(list[bytes], client().lrange(redis_keys.live_log(run_id), start, -1))]


def _waiting_frames() -> list[bytes | None]:
    """The jobs of those tickets that wait the longest."""
    messages = cast(list[bytes], client().lrange(redis_keys.queue(), -MOST_WAITING_SHOWN, -1))
    ids = filter(None, map(celery_message.job_id_of, reversed(messages)))
    with client().pipeline(transaction=False) as pipeline:
        for job_id in ids:
            pipeline.hget(redis_keys.ticket(job_id), "frame")
        return pipeline.execute()


def _waiting(frames: Iterable[bytes | None]) -> Iterator[RunRecord]:
    for frame in filter(None, frames):
        with suppress(redis_frames.FrameError):
            job = redis_frames.decode(frame, Job)
            if job.origin is not None and is_run_id(job.id):
                yield records.of_job(job, Authority.SEEN_WAITING, RunStatus.QUEUED)
