"""The way of a job through Redis: ticket, claim, cancel, reply.

A job's payload lies in one key, its *ticket*, and the Celery message carries no more than its id. Who takes the ticket
away owns the job: the worker that claims it runs it, the caller that cancels it knows that it never ran. So a job runs
at most once, and never after its deadline, whatever the broker delivers again; and a message that is lost on its way
can be sent again while its ticket waits. All times are Redis' own.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Any, cast

import redis

from automation import queue_scripts
from automation.message import QUEUE, task_message
from broker.client import BRIEF_SECONDS, HeldConnection, blpop, brief_client, client, popped, shed
from broker.last_use import LAST_USE_KEY

NODES_KEY = "udapi:nodes"
"""Sorted set: instance of each worker node → when its heartbeat ends (milliseconds)."""

# How many jobs were published so far, and which of them was claimed last: so a job knows that it was passed over.
_PUBLISHED_KEY, _CLAIMED_KEY = "udapi:published", "udapi:claimed"
# Sorted set: threads of nodes that linger → until when (milliseconds).
_LINGERING_KEY = "udapi:lingering"
# Stands in a ticket for a body that has a key of its own; no body is this, for it is not UTF-8.
_SET_ASIDE = b"\xff"

# A ticket outlives its deadline, so that the caller who gives up finds out whether it was taken.
GRACE_MILLISECONDS = 5_000
REPLY_MILLISECONDS = 10_000
# With less time left a job is not started: its script would hardly begin before its caller is gone.
START_MILLISECONDS = 100
PLACES = 10_000
"""How many jobs may wait in the queue of the fleet."""

# How long a thread that has nothing to do stays at hand.
_LINGER_SECONDS = 0.25
# Redis is late by a tenth of a second at most: only who was stopped comes back after this.
_LATE_SECONDS = _LINGER_SECONDS + 0.25

# Longer than this a caller does not wait without looking whether its node is still alive.
_LOOK_SECONDS = 1.0
# Never 0, with which Redis waits without end.
_LEAST_SECONDS = 0.01
# How long a waiting caller bears with a broker that cannot be reached, and how often it tries.
_BROKEN_SECONDS = 3.0
_RETRY_SECONDS = 0.2

# A larger body has a key of its own: within a script Redis would copy it twice.
_SMALL_BODY_BYTES = 64 * 1024


class NoNodeError(Exception):
    """No worker node is alive, or no place is left to wait."""


class UnansweredReason(Enum):
    """What is known of a job that was not answered."""

    NEVER_STARTED = "never started"
    MAY_HAVE_RUN = "may have run"


class HandOverError(Exception):
    """Redis refused the job (its memory is full, say), or fell silent while it was handed over."""

    def __init__(self, reason: UnansweredReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class UnansweredError(Exception):
    """No answer within the time, or the node that ran the job is gone."""

    def __init__(self, reason: UnansweredReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Payload:
    """What a job is made of: `meta` is JSON, `body` the bytes of a request."""

    meta: dict[str, Any]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours to run, the milliseconds until its deadline, and those that it waited in the queue."""

    job_id: str
    payload: Payload
    milliseconds_left: int
    milliseconds_waited: int


def publish(job_id: str, payload: Payload, start_within_seconds: float) -> None:
    """Queue a job that nobody waits for. One round trip.

    Raises:
        NoNodeError: see there.
        HandOverError: Redis refused it, or the answer of Redis was lost.
        redis.RedisError: Redis is not reachable; nothing was sent.
    """
    with HeldConnection(client()) as connection:
        _hand_over(connection, queue_scripts.PUBLISH.over, job_id, payload, start_within_seconds)


def ask(job_id: str, payload: Payload, seconds: float, used_by: str = "") -> bytes:
    """Queue a job, note that `used_by` was used for it now, and wait for its answer, at most `seconds`.

    One round trip, and the wait for the answer goes out with it: a second one took a twentieth of the processor time of
    a trigger. A broker that restarts is waited for a moment.

    Raises:
        NoNodeError: see there.
        HandOverError: Redis refused it, or the answer of Redis was lost.
        UnansweredError: no answer came; the job is cancelled and never starts later.
        redis.RedisError: Redis is not reachable; nothing was sent.
    """
    deadline = time.monotonic() + seconds
    publish_and_pop = partial(queue_scripts.PUBLISH.before_blpop, _reply(job_id), min(seconds, _LOOK_SECONDS))
    answer, is_quiet = None, False
    with HeldConnection(client()) as connection:
        _hand_over(connection, publish_and_pop, job_id, payload, seconds, used_by, is_waited_for=True)
        published_at = time.monotonic()
        try:
            answer = popped(connection, sum(_patience(max(0.0, deadline - published_at))))
            is_quiet = True
        except redis.RedisError:
            # `_wait` bears with it.
            connection.disconnect()
    return _wait(job_id, deadline, published_at, is_quiet=is_quiet) if answer is None else answer


def _hand_over(
    connection: Any,
    script: Callable[..., bytes],
    job_id: str,
    payload: Payload,
    start_within_seconds: float,
    used_by: str = "",
    *,
    is_waited_for: bool = False,
) -> None:
    """Publish a job by way of `script`, which gets connection, keys and arguments."""
    body, milliseconds = payload.body, int(start_within_seconds * 1_000)
    keys = (
        NODES_KEY,
        _ticket(job_id),
        QUEUE,
        LAST_USE_KEY,
        _PUBLISHED_KEY,
        _large(job_id),
        _LINGERING_KEY,
        _handed(""),
    )
    message, meta = task_message(job_id), json.dumps(payload.meta)
    arguments = (PLACES, milliseconds, GRACE_MILLISECONDS, job_id, message, int(is_waited_for), used_by, meta)
    try:
        if len(body) > _SMALL_BODY_BYTES:
            _set_aside(connection, job_id, body, milliseconds)
            body = _SET_ASIDE
        answer = script(connection, keys, *arguments, body)
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise HandOverError(_withdraw(job_id), str(error)) from error
    except redis.RedisError as error:
        raise HandOverError(UnansweredReason.NEVER_STARTED, str(error)) from error
    if answer != b"published":
        raise NoNodeError(answer.decode())


def _set_aside(connection: Any, job_id: str, body: bytes, milliseconds: int) -> None:
    connection.send_command("SET", _large(job_id), body, "PX", milliseconds + GRACE_MILLISECONDS)
    connection.read_response()


def _withdraw(job_id: str) -> UnansweredReason:
    """Take the job back as far as Redis can be reached."""
    try:
        _cancel(job_id)
    except UnansweredError as error:
        return error.reason
    except redis.RedisError:
        return UnansweredReason.MAY_HAVE_RUN
    return UnansweredReason.MAY_HAVE_RUN


def claim(job_id: str, instance: str) -> Claim | None:
    """Take the job for the node `instance`; None when it is not to be run any more. Two round trips for a large body.

    Raises:
        redis.RedisError: the broker failed; the job must not be run.
    """
    keys = (_ticket(""), _run(""), _CLAIMED_KEY)
    with HeldConnection(client()) as connection:
        taken = queue_scripts.CLAIM.over(connection, keys, job_id, instance, GRACE_MILLISECONDS, START_MILLISECONDS)
        return _claim(connection, taken)


def finish(job_id: str, answer: bytes | None, next_for: str = "", waiter: str = "") -> Claim | None:
    """Hand `answer` to the caller that waits for the job, None where nobody does; the next job for the node `next_for`.

    One round trip, and a node that has work needs neither Celery nor another trip to get it. Where there is none, the
    thread `waiter` is to `linger`.

    Raises:
        redis.RedisError: the broker failed; the caller will not be answered.
    """
    keys = (_run(job_id), _reply(job_id), QUEUE, _ticket(""), _run(""), _CLAIMED_KEY, _LINGERING_KEY, _handed(waiter))
    reply = (int(answer is not None), answer or b"", REPLY_MILLISECONDS)
    further = (next_for, GRACE_MILLISECONDS, START_MILLISECONDS, waiter, int(_LINGER_SECONDS * 1_000))
    with HeldConnection(client()) as connection:
        return _claim(connection, queue_scripts.FINISH.over(connection, keys, *reply, *further))


def linger(waiter: str, instance: str) -> Claim | None:
    """The job that is handed to this thread of the node `instance`, should one come in a moment.

    To be called after a `finish` with this `waiter` that had nothing to do for it. Redis itself takes the job as soon
    as it wakes the thread. One that is handed to a thread whose connection is closed stays untaken, and its caller
    sends it again.

    Raises:
        redis.RedisError: the broker failed.
    """
    keys = (_handed(waiter), _ticket(""), _run(""), _CLAIMED_KEY)
    arguments = (instance, GRACE_MILLISECONDS, START_MILLISECONDS)
    begun = _now()
    with HeldConnection(client()) as connection:
        taken = queue_scripts.TAKE_HANDED.after_blpop(connection, _LINGER_SECONDS, keys, *arguments)
        claim = _claim(connection, taken)
    return claim if claim is None or _is_fresh(claim, _now() - begun) else _still_due(claim)


def _now() -> float:
    """Seconds on a clock that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _is_fresh(claim: Claim, seconds: float) -> bool:
    """Whether a claim of the last `seconds` is as it was when it was taken; else this process was stopped meanwhile."""
    return seconds < _LATE_SECONDS and seconds * 1_000 + START_MILLISECONDS < claim.milliseconds_left


def _still_due(claim: Claim) -> Claim | None:
    """The claim with what is left of its time now; None when that is over."""
    left = client().pttl(_run(claim.job_id)) - GRACE_MILLISECONDS
    return replace(claim, milliseconds_left=left) if left > START_MILLISECONDS else None


def _claim(connection: Any, taken: list[Any]) -> Claim | None:
    if not taken:
        return None
    job_id, left, waited, meta, body = taken[0].decode(), *taken[1:]
    if body == _SET_ASIDE:
        connection.send_command("GETDEL", _large(job_id))
        body = connection.read_response()
        shed(connection, body)
    return Claim(job_id, Payload(json.loads(meta), body), left, waited)


def _wait(job_id: str, deadline: float, answered_at: float, *, is_quiet: bool) -> bytes:
    """The answer to a job, by `deadline`; Redis was well at `answered_at`. Both are on the monotonic clock.

    `is_quiet` says that no answer came for a while, though Redis was there: then the node is looked after first. After
    a failure of Redis the answer is waited for first: it may come even if nothing else is left of the job.

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
        raise UnansweredError(UnansweredReason.MAY_HAVE_RUN) from error


def _pop(job_id: str, deadline: float) -> bytes | None:
    """The reply, should it come soon."""
    slice_seconds, silence_seconds = _patience(max(_LEAST_SECONDS, deadline - time.monotonic()))
    return blpop(_reply(job_id), slice_seconds, silence_seconds)


def _patience(left: float) -> tuple[float, float]:
    """How long to wait at a stretch, and how late the broker may be then, in seconds: not beyond the caller's time."""
    slice_seconds = min(left, _LOOK_SECONDS)
    return slice_seconds, min(_BROKEN_SECONDS, left - slice_seconds + BRIEF_SECONDS)


def _is_lost(job_id: str) -> bool:
    keys = (_ticket(job_id), _reply(job_id), _run(job_id), NODES_KEY, QUEUE, _PUBLISHED_KEY, _CLAIMED_KEY)
    return bool(queue_scripts.IS_LOST.run(brief_client(), keys, state_key(""), task_message(job_id)))


def _cancel(job_id: str) -> bytes:
    answer = queue_scripts.CANCEL.run(brief_client(), (_ticket(job_id), _reply(job_id), _run(job_id), _large(job_id)))
    if isinstance(answer, list):
        return cast(bytes, answer[0])
    raise UnansweredError(UnansweredReason(answer.decode()))


def state_key(instance: str) -> str:
    """The key under which a worker node tells of itself; it ends with the node's heartbeat."""
    return f"udapi:node:{instance}"


def _ticket(job_id: str) -> str:
    return f"udapi:ticket:{job_id}"


def _large(job_id: str) -> str:
    """The key of a body that is too large for the ticket."""
    return f"udapi:body:{job_id}"


def _run(job_id: str) -> str:
    """The key that notes which node runs the job, as long as it does."""
    return f"udapi:run:{job_id}"


def _handed(waiter: str) -> str:
    """The key under which a thread that lingers is handed a job."""
    return f"udapi:handed:{waiter}"


def _reply(job_id: str) -> str:
    return f"udapi:reply:{job_id}"
