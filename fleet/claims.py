"""A worker node's side of the queue: claims a job, hands over its answer, gives it back."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from broker.client import brief_client, client, prompt_client, server_life
from broker.connections import HeldConnection
from fleet import celery_message, large_bodies, lua, lua_parts, redis_frames, redis_keys
from fleet.answer import Answer, Reason
from fleet.cancellation import REPLY_MILLISECONDS
from fleet.reply import GRACE_MILLISECONDS, START_MILLISECONDS
from foundation import __version__
from hosts.jobs import Job

# A field of the ticket of a job that a node has given back.
_GIVEN_BACK = "given_back"

_READABLE = redis_frames.listed(redis_frames.READABLE)
_NO_REPLY = (0, b"")
_NOTHING_LEARNED = ("", 0)


class ForeignFormatError(Exception):
    """The job is in a format that this release does not read; its ticket was not taken."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that this node owns, with the fields of its ticket.

    `milliseconds_left` until the deadline count from `asked_at`, when the claim was sent, on the monotonic clock.
    `milliseconds_waited` is the time in the queue.
    """

    job_id: str
    ticket: Mapping[str, bytes]
    large_body: bytes | None
    milliseconds_left: int
    milliseconds_waited: int
    asked_at: float

    @property
    def format(self) -> int:
        """The format of the job, which is also that of its answer."""
        return redis_frames.number(self.ticket["frame"])

    @property
    def script_id(self) -> str:
        return self.ticket["script"].decode()

    @property
    def deadline(self) -> float:
        """When the caller's time is over, on the monotonic clock."""
        return self.asked_at + self.milliseconds_left / 1_000

    @property
    def was_given_back(self) -> bool:
        """Whether a node has claimed the job before and could not begin it."""
        return _GIVEN_BACK in self.ticket

    def job(self) -> Job:
        """Decode the job.

        Raises:
            fleet.redis_frames.FrameError: it was published in another format, or its body is gone.
        """
        job = redis_frames.decode(self.ticket["frame"], Job)
        if self.ticket["is_large"] != b"1":
            return job
        if self.large_body is None:
            raise redis_frames.FrameError("the body of the job is gone")
        return replace(job, body=self.large_body)


def claim(job_id: str, instance: str) -> Claim | None:
    """Take the job for the node `instance`; None if it must not be run any more. Two round trips for a large body.

    Raises:
        ForeignFormatError: this release does not read it.
        redis.RedisError: the broker failed; the job must not be run.
    """
    return _take("", _NO_REPLY, _NOTHING_LEARNED, job_id, instance)


def put_back(job_id: str) -> None:
    """Queue the message of a job again, which this node has not taken.

    Raises:
        redis.RedisError
    """
    client().rpush(redis_keys.queue(), celery_message.entry(job_id))


def finish(
    done: Claim, answer: Answer | None, next_for: str = "", records: Sequence[tuple[bytes, bytes]] = ()
) -> Claim | None:
    """Hand over `answer` (None: nobody waits for it) and take the next job for the node `next_for`, if it is given.

    The same step keeps `records`, the frames of the job's runs.

    One round trip, so a busy node does not wait for Celery to fetch a message.

    Raises:
        redis.RedisError: the broker failed; the caller will not be answered.
        fleet.redis_frames.FrameError: no frame can hold the answer.
    """
    # A job that never started says nothing about how long its script takes.
    has_run = answer is None or answer.reason != Reason.NEVER_STARTED
    learned = (done.script_id, int((time.monotonic() - done.asked_at) * 1_000)) if has_run else _NOTHING_LEARNED
    reply = (int(answer is not None), redis_frames.encode(answer, done.format) if answer else b"")
    limited = done.ticket.get("limited", b"")
    further: tuple[str | bytes, ...] = limited, done.job_id, *(frame for frames in records for frame in frames)
    return _take(done.job_id, reply, learned, "", next_for, further)


def _take(
    finished: str,
    reply: tuple[int, bytes],
    learned: tuple[str, int],
    wanted: str,
    instance: str,
    done: tuple[str | bytes, ...] = ("", ""),
) -> Claim | None:
    what = (wanted, instance, GRACE_MILLISECONDS, START_MILLISECONDS, celery_message.marker())
    further = (_READABLE, *learned, *done)
    # This holds a slot of the node, so a small exchange has a short time-out.
    size = len(reply[1]) + sum(map(len, done))
    pooled = prompt_client() if size <= large_bodies.SMALL_BYTES else client()
    with HeldConnection(pooled) as connection:
        asked_at = time.monotonic()
        arguments = (*reply, REPLY_MILLISECONDS, *what, server_life(connection), *further)
        taken = lua.TAKE.over(connection, redis_keys.to_take(finished), *arguments)
        return _claim(connection, taken, asked_at) if taken else None


def _claim(connection: Any, taken: list[Any], asked_at: float) -> Claim:
    if len(taken) == 1:
        ours = redis_frames.release(__version__, redis_frames.READABLE)
        raise ForeignFormatError(f"the job has format {taken[0].decode()}, and {ours} cannot read it")
    job_id, left, waited, fields = taken[0].decode(), *taken[1:]
    ticket = {name: field for name, field in zip(lua_parts.TICKET, fields, strict=True) if field is not None}
    body = None
    if ticket["is_large"] == b"1":
        body = large_bodies.taken(connection, job_id)
    return Claim(job_id, ticket, body, left, waited, asked_at)


def give_back(claim: Claim, instance: str, *, is_failure: bool) -> bool:
    """Put a job that the node `instance` has claimed, but not begun, at the head of the queue.

    Returns whether it waits again: it does not if its caller has given it up. If `is_failure`, the next claim says that
    it was given back.

    Raises:
        redis.RedisError: the broker failed. The job may wait again, so it must be neither run nor given back.
    """
    ticket = {**claim.ticket, **({_GIVEN_BACK: b"1"} if is_failure else {})}
    fields = [part for field in ticket.items() for part in field]
    with HeldConnection(client()) as connection:
        if claim.large_body is not None:
            large_bodies.set_aside(connection, claim.job_id, claim.large_body, claim.milliseconds_left)
        what = (instance, celery_message.entry(claim.job_id), GRACE_MILLISECONDS, claim.script_id)
        return bool(lua.GIVE_BACK.over(connection, redis_keys.to_give_back(claim.job_id), *what, *fields))


def is_held(job_id: str, instance: str) -> bool:
    """Whether the node `instance` still owns a job that it has claimed, and the caller certainly still waits.

    Raises:
        redis.RedisError
    """
    return bool(lua.IS_HELD.run(brief_client(), [redis_keys.run(job_id)], instance))
