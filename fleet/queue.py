"""The way of a job through Redis: ticket, claim, cancel, reply.

A job lies in one key, its *ticket*, and the Celery message carries no more than its id. Whoever takes the ticket away
owns the job: the worker that claims it runs it, the caller that cancels it knows that it never ran. So a job runs at
most once, and never after its deadline, whatever the broker delivers again; and a message that is lost on its way
can be sent again while its ticket waits. All times are Redis' own.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import redis

from broker.client import BRIEF_SECONDS, HeldConnection, blpop, brief_client, client, popped, shed
from broker.last_use import LAST_USE_KEY
from fleet import frames, lua, message, redis_keys
from fleet.answer import Answer, Reason, failure
from hosts.jobs import Job

# A ticket outlives its deadline, so that the caller who gives up finds out whether it was taken.
GRACE_MILLISECONDS = 5_000
REPLY_MILLISECONDS = 10_000
# A job with less time left is not claimed: its script would hardly begin before its caller is gone.
START_MILLISECONDS = 100
PLACES = 10_000
"""How many jobs may wait in the queue of the fleet."""

# How often a waiting caller checks its node.
_LOOK_SECONDS = 1.0
# Never 0, with which Redis waits without end.
_LEAST_SECONDS = 0.01
# How long a waiting caller tolerates an unreachable broker, and how often it retries.
_BROKEN_SECONDS = 3.0
_RETRY_SECONDS = 0.2

# A larger body has a key of its own: within a script Redis would copy it twice.
_SMALL_BODY_BYTES = 64 * 1024

# No node answers for a job that was revoked.
_NO_NODE = 0


class NoNodeError(Exception):
    """No worker node is alive, or no place is left to wait."""


class UnansweredError(Exception):
    """No answer within the time, or none any more: the node is gone, or Redis did not take the job.

    `may_have_run` is False for a job that certainly never ran, and never will.
    """

    def __init__(self, message: str, *, may_have_run: bool) -> None:
        super().__init__(message)
        self.may_have_run = may_have_run


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours to run, the milliseconds until its deadline, and those that it waited in the queue."""

    job_id: str
    frame: bytes
    is_large: bool
    large_body: bytes | None
    milliseconds_left: int
    milliseconds_waited: int

    def job(self) -> Job:
        """The job itself.

        Raises:
            fleet.frames.FrameError: it was published in another format, or its body is gone.
        """
        job = frames.decode(self.frame, Job)
        if not self.is_large:
            return job
        if self.large_body is None:
            raise frames.FrameError("the body of the job is gone")
        return replace(job, body=self.large_body)


def publish(job: Job, start_within_seconds: float) -> None:
    """Queue a job that nobody waits for. One round trip.

    Raises:
        NoNodeError: no node is alive, or the queue is full.
        UnansweredError: Redis refused it (its memory is full, say), or the answer of Redis was lost.
        redis.RedisError: Redis is not reachable; nothing was sent.
        fleet.frames.FrameError: no frame can hold the job.
    """
    with HeldConnection(client()) as connection:
        _hand_over(connection, lua.PUBLISH.over, job, start_within_seconds)


def ask(job: Job, seconds: float) -> Answer:
    """Queue a job and wait for its answer, at most `seconds`; its token is noted as used now.

    One round trip, and the wait for the answer goes out with it: a second one took a twentieth of the processor time of
    a trigger. A broker that restarts is waited for a moment.

    Raises:
        NoNodeError: no node is alive, or the queue is full.
        UnansweredError: Redis refused it, or no answer came; the job is cancelled and never starts later.
        redis.RedisError: Redis is not reachable; nothing was sent.
        fleet.frames.FrameError: the answer has another format.
    """
    deadline = time.monotonic() + seconds
    publish_and_pop = partial(lua.PUBLISH.before_blpop, redis_keys.reply(job.id), min(seconds, _LOOK_SECONDS))
    answer, is_quiet = None, False
    with HeldConnection(client()) as connection:
        _hand_over(connection, publish_and_pop, job, seconds)
        published_at = time.monotonic()
        try:
            answer = popped(connection, sum(_patience(max(0.0, deadline - published_at))))
            is_quiet = True
        except redis.RedisError:
            # `_wait` retries.
            connection.disconnect()
    frame = _wait(job.id, deadline, published_at, is_quiet=is_quiet) if answer is None else answer
    return frames.decode(frame, Answer)


def _hand_over(connection: Any, script: Callable[..., bytes], job: Job, start_within_seconds: float) -> None:
    """Publish a job by way of `script`."""
    milliseconds, is_large = int(start_within_seconds * 1_000), len(job.body) > _SMALL_BODY_BYTES
    keys = (redis_keys.NODES, redis_keys.ticket(job.id), message.QUEUE, LAST_USE_KEY, redis_keys.body(job.id))
    used_by = job.call.token_id if job.call else ""
    frame = frames.encode(replace(job, body=b"") if is_large else job)
    times = (PLACES, milliseconds, GRACE_MILLISECONDS)
    try:
        if is_large:
            _set_aside(connection, job, milliseconds)
        answer = script(connection, keys, *times, used_by, frame, int(is_large), message.entry(job.id))
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise UnansweredError(str(error), may_have_run=_may_have_run(job.id)) from error
    except redis.RedisError as error:
        if is_large:
            _drop_body(job.id)
        raise UnansweredError(str(error), may_have_run=False) from error
    if answer != b"published":
        raise NoNodeError(answer.decode())


def _set_aside(connection: Any, job: Job, milliseconds: int) -> None:
    connection.send_command("SET", redis_keys.body(job.id), job.body, "PX", milliseconds + GRACE_MILLISECONDS)
    connection.read_response()


def _drop_body(job_id: str) -> None:
    """Free the memory of a body whose job Redis refused."""
    with suppress(redis.RedisError):
        brief_client().delete(redis_keys.body(job_id))


def _may_have_run(job_id: str) -> bool:
    """Cancel a job that may not have reached Redis; whether it may have run."""
    try:
        _cancel(job_id)
    except UnansweredError as error:
        return error.may_have_run
    except redis.RedisError:
        pass
    return True


def claim(job_id: str, instance: str) -> Claim | None:
    """Take the job for the node `instance`; None when it is not to be run any more. Two round trips for a large body.

    Raises:
        redis.RedisError: the broker failed; the job must not be run.
    """
    return _take("", None, job_id, instance)


def finish(job_id: str, answer: Answer | None, next_for: str = "") -> Claim | None:
    """Hand `answer` over (None: nobody waits for it); returns the next job, taken for the node `next_for`.

    One round trip: a node that has work does not wait for Celery to fetch it.

    Raises:
        redis.RedisError: the broker failed; the caller will not be answered.
        fleet.frames.FrameError: no frame can hold the answer.
    """
    return _take(job_id, answer, "", next_for)


def _take(finished: str, answer: Answer | None, wanted: str, instance: str) -> Claim | None:
    mine = (redis_keys.run(finished), redis_keys.reply(finished))
    others = (message.QUEUE, redis_keys.ticket(""), redis_keys.run(""))
    reply = (int(answer is not None), frames.encode(answer) if answer else b"", REPLY_MILLISECONDS)
    further = (wanted, instance, GRACE_MILLISECONDS, START_MILLISECONDS, message.marker())
    with HeldConnection(client()) as connection:
        return _claim(connection, lua.TAKE.over(connection, mine + others, *reply, *further))


def _claim(connection: Any, taken: list[Any]) -> Claim | None:
    if not taken:
        return None
    job_id, left, waited, frame, is_large = taken[0].decode(), *taken[1:]
    body = None
    if is_large:
        connection.send_command("GETDEL", redis_keys.body(job_id))
        body = connection.read_response()
        shed(connection, body)
    return Claim(job_id, frame, bool(is_large), body, left, waited)


def revoke(job_id: str) -> None:
    """Cancel a job that nobody has claimed: its caller is answered at once that it never started.

    Raises:
        redis.RedisError.
    """
    answer = frames.encode(failure(Reason.NEVER_STARTED, "The trigger was revoked.", _NO_NODE))
    lua.CANCEL.run(client(), _keys(job_id), answer, REPLY_MILLISECONDS)


def _wait(job_id: str, deadline: float, answered_at: float, *, is_quiet: bool) -> bytes:
    """The answer to a job, by `deadline`; Redis was well at `answered_at`. Both are on the monotonic clock.

    `is_quiet`: the last wait ended without answer or error, so check the node first. After an error, wait first: the
    answer may come although the other keys of the job are gone.

    Raises:
        UnansweredError: none came; the job is cancelled.
    """
    while (left := deadline - time.monotonic()) > 0:
        try:
            if is_quiet and _is_lost(job_id):
                break
            if (answer := _pop(job_id, deadline)) is not None:
                return answer
            is_quiet, answered_at = True, time.monotonic()
        except redis.RedisError:
            if time.monotonic() - answered_at > _BROKEN_SECONDS:
                break
            is_quiet = False
            time.sleep(min(left, _RETRY_SECONDS))
    try:
        return _cancel(job_id)
    except redis.RedisError as error:
        raise UnansweredError("may have run", may_have_run=True) from error


def _pop(job_id: str, deadline: float) -> bytes | None:
    """Wait for the reply, one slice at most."""
    slice_seconds, silence_seconds = _patience(max(_LEAST_SECONDS, deadline - time.monotonic()))
    return blpop(redis_keys.reply(job_id), slice_seconds, silence_seconds)


def _patience(left: float) -> tuple[float, float]:
    """Seconds to wait per slice, and how late Redis may then be: not beyond the caller's time."""
    slice_seconds = min(left, _LOOK_SECONDS)
    return slice_seconds, min(_BROKEN_SECONDS, left - slice_seconds + BRIEF_SECONDS)


def _is_lost(job_id: str) -> bool:
    mine = (redis_keys.ticket(job_id), redis_keys.reply(job_id), redis_keys.run(job_id))
    shared = (redis_keys.NODES, message.QUEUE)
    return bool(lua.IS_LOST.run(brief_client(), mine + shared, redis_keys.node(""), message.entry(job_id)))


def _cancel(job_id: str) -> bytes:
    outcome = lua.CANCEL.run(brief_client(), _keys(job_id), b"", REPLY_MILLISECONDS)
    if isinstance(outcome, list):
        return cast(bytes, outcome[0])
    raise UnansweredError(outcome.decode(), may_have_run=outcome != b"never started")


def _keys(job_id: str) -> tuple[str, str, str, str]:
    return redis_keys.ticket(job_id), redis_keys.reply(job_id), redis_keys.run(job_id), redis_keys.body(job_id)
