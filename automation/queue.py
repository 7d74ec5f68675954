"""The way of a job through Redis: ticket, claim, cancel, reply.

A job's payload lies in one key, its *ticket*, and the Celery message carries no more than its id. Who takes
the ticket away owns the job: the worker that claims it runs it, the caller that cancels it knows that it
never ran. So a job runs at most once, and never after its deadline, whatever the broker delivers again.
All times are Redis' own.
"""

import json
import time
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

import redis

from automation.message import QUEUE, task_message
from broker.client import BRIEF_SECONDS, blpop, brief_client, client
from broker.last_use import LAST_USE_KEY

NODES_KEY = "udapi:nodes"
"""Sorted set: instance of each worker node → when its heartbeat ends (milliseconds)."""

# A ticket outlives its deadline, so that the caller who gives up finds out whether it was taken.
GRACE_MILLISECONDS = 5_000
REPLY_MILLISECONDS = 10_000
# With less time left a job is not started: its script would hardly begin before its caller is gone.
START_MILLISECONDS = 100
PLACES = 10_000
"""How many jobs may wait in the queue of the fleet."""

# Longer than this a caller does not wait without looking whether its node is still alive.
_LOOK_SECONDS = 1.0
# How long a waiting caller bears with a broker that cannot be reached, and how often it tries.
_BROKEN_SECONDS = 3.0
_RETRY_SECONDS = 0.2

# Publishing and noting the deadline are one step: with no node alive, or no place, nothing is left behind.
# Who has been let in for it, is noted on the same trip.
_PUBLISH = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local refusal = nil
if redis.call('ZCOUNT', KEYS[1], string.format('(%.0f', now), '+inf') == 0 then refusal = 'no node' end
if not refusal and redis.call('LLEN', KEYS[3]) >= tonumber(ARGV[1]) then refusal = 'no place' end
if refusal then
  redis.call('DEL', KEYS[2])
  return refusal
end
local deadline = string.format('%.0f', now + ARGV[2])
redis.call('HSET', KEYS[2], 'published', string.format('%.0f', now), 'deadline', deadline)
redis.call('LPUSH', KEYS[3], ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[4], ARGV[4], string.format('%.0f', now)) end
return 'published'
"""

# Answers the milliseconds left and those waited, or nothing: at its deadline, taken already or cancelled.
_CLAIM = """
local published, deadline = unpack(redis.call('HMGET', KEYS[1], 'published', 'deadline'))
if not deadline then return {} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local left = tonumber(deadline) - now
if left <= tonumber(ARGV[3]) then return {} end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('SET', KEYS[3], ARGV[1], 'PX', left + ARGV[2])
return {left, now - published}
"""

# A full memory refuses the first write that needs some, and none after one that frees some: what has run is
# answered in any case.
_REPLY = """
redis.call('DEL', KEYS[1])
redis.call('RPUSH', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
"""

# A reply that came at the last moment still counts.
_CANCEL = """
if redis.call('DEL', KEYS[1]) == 1 then return 'never started' end
local reply = redis.call('LPOP', KEYS[2])
if reply then return {reply} end
redis.call('DEL', KEYS[3])
return 'may have run'
"""

# Whether somebody will still answer: nothing to say while the ticket waits or the reply is there. A node that
# leaves is no longer among the nodes, but finishes what it runs: its state is still there.
_IS_LOST = """
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 0 end
local node = redis.call('GET', KEYS[3])
if not node then return 1 end
if redis.call('EXISTS', ARGV[1] .. node) == 1 then return 0 end
local ends = redis.call('ZSCORE', KEYS[4], node)
local time = redis.call('TIME')
if ends and tonumber(ends) > time[1] * 1000 + math.floor(time[2] / 1000) then return 0 end
return 1
"""


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

    payload: Payload
    milliseconds_left: int
    milliseconds_waited: int


def publish(job_id: str, payload: Payload, start_within_seconds: float, used_by: str = "") -> None:
    """Queue a job, and note that `used_by` was used for it now. One round trip.

    Raises:
        NoNodeError: see there.
        HandOverError: Redis refused it, or the answer of Redis was lost.
        redis.RedisError: Redis is not reachable; nothing was sent.
    """
    ticket, milliseconds = _ticket(job_id), int(start_within_seconds * 1_000)
    _reach()
    pipeline = client().pipeline(transaction=True)
    pipeline.hset(ticket, mapping={"meta": json.dumps(payload.meta), "body": payload.body})
    pipeline.pexpire(ticket, milliseconds + GRACE_MILLISECONDS)
    arguments = (str(PLACES), str(milliseconds), task_message(job_id), used_by)
    pipeline.eval(_PUBLISH, 4, NODES_KEY, ticket, QUEUE, LAST_USE_KEY, *arguments)
    try:
        answer = pipeline.execute()[-1]
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise HandOverError(_withdraw(job_id), str(error)) from error
    except redis.RedisError as error:
        raise HandOverError(UnansweredReason.NEVER_STARTED, str(error)) from error
    if answer != b"published":
        raise NoNodeError(answer.decode())


def _reach() -> None:
    """Have a live connection in the pool, so that what fails after this was perhaps sent.

    Raises:
        redis.RedisError: Redis is not reachable.
    """
    pool = client().connection_pool
    pool.release(pool.get_connection())


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
    """Take the job for the node `instance`; None when it is not to be run any more. One round trip.

    Raises:
        redis.RedisError: the broker failed; the job must not be run.
    """
    claimed = f"udapi:claimed:{job_id}"
    pipeline = client().pipeline(transaction=True)
    arguments = (instance, str(GRACE_MILLISECONDS), str(START_MILLISECONDS))
    pipeline.eval(_CLAIM, 3, _ticket(job_id), claimed, _run(job_id), *arguments)
    pipeline.hmget(claimed, "meta", "body")
    pipeline.delete(claimed)
    times, (meta, body), _ = pipeline.execute()
    return Claim(Payload(json.loads(meta), body), *times) if times else None


def reply(job_id: str, answer: bytes) -> None:
    """Hand `answer` to the caller that waits for the job. One round trip.

    Raises:
        redis.RedisError: the broker failed; the caller will not be answered.
    """
    client().eval(_REPLY, 2, _run(job_id), _reply(job_id), answer, str(REPLY_MILLISECONDS))


def forget(job_id: str) -> None:
    """A job without a caller has ended."""
    client().delete(_run(job_id))


def wait(job_id: str, seconds: float) -> bytes:
    """The answer to the job, at most `seconds` from now. A broker that restarts is waited for a moment.

    Raises:
        UnansweredError: none came; the job is cancelled and never starts later.
    """
    deadline = time.monotonic() + seconds
    answered_at = time.monotonic()
    while (left := deadline - time.monotonic()) > 0:
        try:
            if (answer := _pop(job_id, left)) is not None:
                return answer
            if _is_lost(job_id):
                break
            answered_at = time.monotonic()
        except redis.RedisError:
            if time.monotonic() - answered_at > _BROKEN_SECONDS:
                break
            time.sleep(min(left, _RETRY_SECONDS))
    try:
        return _cancel(job_id)
    except redis.RedisError as error:
        raise UnansweredError(UnansweredReason.MAY_HAVE_RUN) from error


def _pop(job_id: str, left: float) -> bytes | None:
    """The reply, should it come soon. A broker that is late is borne with, but not beyond the caller's time."""
    slice_seconds = min(left, _LOOK_SECONDS)
    return blpop(_reply(job_id), slice_seconds, min(_BROKEN_SECONDS, left - slice_seconds + BRIEF_SECONDS))


def _is_lost(job_id: str) -> bool:
    keys = (_ticket(job_id), _reply(job_id), _run(job_id), NODES_KEY)
    return bool(brief_client().eval(_IS_LOST, len(keys), *keys, state_key("")))


def _cancel(job_id: str) -> bytes:
    answer = brief_client().eval(_CANCEL, 3, _ticket(job_id), _reply(job_id), _run(job_id))
    if isinstance(answer, list):
        return cast(bytes, answer[0])
    raise UnansweredError(UnansweredReason(answer.decode()))


def state_key(instance: str) -> str:
    """The key under which a worker node tells of itself; it ends with the node's heartbeat."""
    return f"udapi:node:{instance}"


def _ticket(job_id: str) -> str:
    return f"udapi:ticket:{job_id}"


def _run(job_id: str) -> str:
    """The key that notes which node runs the job, as long as it does."""
    return f"udapi:run:{job_id}"


def _reply(job_id: str) -> str:
    return f"udapi:reply:{job_id}"
