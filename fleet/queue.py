"""The caller's side of the queue: publish a job, wait for its answer, revoke it.

A job lies in one key, its *ticket*, and the Celery message carries only its id. Whoever takes the ticket owns the job:
a node that claims it runs it, a caller that cancels it knows that it never ran. So a job runs at most once, and never
after its deadline, even if the broker delivers its message again. A lost message can be sent again while the ticket
waits. All times are Redis' own.
"""

import math
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import redis

from broker.client import HungUpError, client, popped, reply_seconds, server_life, server_milliseconds
from broker.connections import HeldConnection
from fleet import cancellation, celery_message, large_bodies, lua, overview, redis_frames, redis_keys, reply
from fleet.answer import Answer
from fleet.cancellation import UnansweredError, may_have_run
from foundation import __version__
from hosts.jobs import Job

MOST_WAITING = 10_000
"""How many jobs of the fleet may wait."""

_READABLE = redis_frames.listed(redis_frames.READABLE)

Handed = TypeVar("Handed")


class NoNodeError(Exception):
    """No worker node can take the job: none is alive, none reads it, or too many jobs wait.

    `retry_after` is the number of seconds until the queue will be short enough, if that is known.
    """

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyRunsError(Exception):
    """As many jobs of the definition wait or run as it allows. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("the API has as many runs at once as it allows")
        self.retry_after = retry_after


class _OtherFormatError(NoNodeError):
    """The nodes read jobs in another format, which this release writes, too."""

    def __init__(self, wanted: int) -> None:
        super().__init__(f"the worker nodes read format {wanted}")
        self.wanted = wanted


def publish(job: Job, start_within_seconds: float) -> None:
    """Queue a job that nobody waits for. One round trip.

    Raises:
        NoNodeError: no node can take it.
        UnansweredError: Redis refused it (perhaps its memory is full), or the reply of Redis was lost.
        redis.RedisError: Redis is not reachable; nothing was sent.
        fleet.redis_frames.FrameError: no frame can hold the job.
    """
    _in_a_common_format(job, partial(_publish, job, time.monotonic() + start_within_seconds))


def ask(job: Job, seconds: float, caller: socket.socket | None = None) -> Answer:
    """Queue a job and wait at most `seconds` for its answer; also notes that the token is used now.

    One round trip, which also starts the wait for the answer: a second one would take a twentieth of a trigger's
    processor time. A restart of the broker is tolerated for a moment. If `caller` hangs up, the job is cancelled.

    Raises:
        NoNodeError: no node can take it.
        TooManyRunsError: its definition allows no more jobs at once.
        UnansweredError: Redis refused it, no answer came, or `caller` hung up. The job is cancelled: it never starts
            afterwards.
        redis.RedisError: Redis is not reachable; nothing was sent.
        fleet.redis_frames.FrameError: the answer has another format.
    """
    try:
        frame = _in_a_common_format(job, partial(_publish_and_wait, job, time.monotonic() + seconds, caller))
    except HungUpError:
        frame = cancellation.give_up(job.id, "the caller hung up: ")
    return redis_frames.decode(frame, Answer)


def _in_a_common_format(job: Job, hand_over: Callable[[int], Handed]) -> Handed:
    """Hand over a job in the newest format, or else in the one that the nodes read."""
    try:
        return hand_over(redis_frames.READABLE[0])
    except _OtherFormatError as refused:
        if job.trial is not None:
            large_bodies.drop(job.id)
            raise NoNodeError("a worker node of the release before is alive, which runs no unsaved source") from refused
        wanted = refused.wanted
    try:
        return hand_over(wanted)
    except _OtherFormatError:
        large_bodies.drop(job.id)
        raise


def _publish(job: Job, deadline: float, in_format: int) -> None:
    with HeldConnection(client()) as connection:
        _hand_over(connection, lua.PUBLISH.over, job, deadline, None, in_format)


def _publish_and_wait(job: Job, deadline: float, caller: socket.socket | None, in_format: int) -> bytes:
    slice_seconds, _ = reply.patience(_left(deadline))
    publish_and_pop = partial(lua.PUBLISH.before_blpop, redis_keys.reply(job.id), slice_seconds)
    answer, is_quiet = None, False
    with HeldConnection(client()) as connection:
        _hand_over(connection, publish_and_pop, job, deadline, reply.SURE_MILLISECONDS, in_format)
        published_at = time.monotonic()
        try:
            answer = popped(connection, sum(reply.patience(_left(deadline))), caller)
            is_quiet = True
        except redis.RedisError:
            # `wait` retries.
            connection.disconnect()
    return reply.wait(job.id, deadline, published_at, caller, is_quiet=is_quiet) if answer is None else answer


def _left(deadline: float) -> float:
    """Seconds until `deadline`; never 0, which means no limit to Redis."""
    return max(reply.LEAST_SECONDS, deadline - time.monotonic())


def _hand_over(
    connection: Any, script: Callable[..., bytes], job: Job, deadline: float, sure: int | None, in_format: int
) -> None:
    """Publish a job by means of `script`.

    Its caller waits until `deadline`, and certainly for `sure` milliseconds; None if nobody waits.
    """
    is_large, used_by = len(job.body) > large_bodies.SMALL_BYTES, job.call.token_id if job.call else ""
    frame = redis_frames.encode(replace(job, body=b"") if is_large else job, in_format)
    what = (used_by, frame, int(is_large), celery_message.entry(job.id))
    kind = (job.script_id, in_format, _READABLE, job.id, *_limit(job))
    try:
        if is_large:
            large_bodies.set_aside(connection, job.id, job.body, int(_left(deadline) * 1_000))
        # Uploading the body has taken some of the time.
        left = int(_left(deadline) * 1_000)
        limits = (MOST_WAITING, left, reply.GRACE_MILLISECONDS, reply.START_MILLISECONDS)
        now, life = server_milliseconds(connection), server_life(connection)
        times = (now, reply.LATE_MILLISECONDS, life, left if sure is None else sure)
        seconds = _left(deadline) if _left(deadline) < reply_seconds() else None
        answer = script(connection, redis_keys.to_publish(job.id), *limits, *what, *times, *kind, seconds=seconds)
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise UnansweredError(str(error), may_have_run=may_have_run(job.id)) from error
    except redis.RedisError as error:
        if is_large:
            large_bodies.drop(job.id)
        raise UnansweredError(str(error), may_have_run=False) from error
    if answer != b"published":
        raise _refusal(answer.decode())


def _limit(job: Job) -> tuple[str, int]:
    """The definition that limits its jobs, and how many it allows."""
    if job.origin is None or not job.origin.max_concurrent:
        return "", 0
    return job.origin.definition_id, job.origin.max_concurrent


def _refusal(answer: str) -> Exception:
    """The error for an answer of `PUBLISH` that refuses a job."""
    what, _, number = answer.rpartition(" ")
    if answer == "too late":
        return UnansweredError("the job reached Redis too late", may_have_run=False)
    if answer == "other release":
        return NoNodeError(_other_releases())
    if what == "format":
        return _OtherFormatError(int(number))
    if what == "busy":
        return TooManyRunsError(max(1, math.ceil(int(number) / 1_000)))
    if what == "too long":
        return NoNodeError(f"the jobs that wait take {number} ms too long", math.ceil(int(number) / 1_000))
    return NoNodeError(answer)


def _other_releases() -> str:
    with suppress(redis.RedisError):
        ours = redis_frames.release(__version__, redis_frames.READABLE)
        theirs = [f"node {node.id} is {redis_frames.release(node.version, node.formats)}" for node in overview.nodes()]
        return f"no worker node reads the jobs of {ours}: {', '.join(theirs)}"
    return "no worker node reads the jobs of this release"
