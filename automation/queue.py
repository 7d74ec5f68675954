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
from broker.client import client
from broker.last_use import LAST_USE_KEY

NODES_KEY = "udapi:nodes"
"""Sorted set: instance of each worker node → when its heartbeat ends (milliseconds)."""

# A ticket outlives its deadline, so that the caller who gives up finds out whether it was taken.
GRACE_MILLISECONDS = 5_000
REPLY_MILLISECONDS = 10_000
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

# Answers the milliseconds left and those waited, or nothing: past the deadline, taken already or cancelled.
_CLAIM = """
local published, deadline = unpack(redis.call('HMGET', KEYS[1], 'published', 'deadline'))
if not deadline then return {} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local left = tonumber(deadline) - now
if left <= 0 then return {} end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('SET', KEYS[3], ARGV[1], 'PX', left + ARGV[2])
return {left, now - published}
"""

# A reply that came at the last moment still counts.
_CANCEL = """
if redis.call('DEL', KEYS[1]) == 1 then return 'never started' end
local reply = redis.call('LPOP', KEYS[2])
if reply then return {reply} end
redis.call('DEL', KEYS[3])
return 'may have run'
"""

# Whether somebody will still answer: nothing to say while the ticket waits or the reply is there.
_IS_LOST = """
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 0 end
local node = redis.call('GET', KEYS[3])
if not node then return 1 end
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
    pipeline.eval(_CLAIM, 3, _ticket(job_id), claimed, _run(job_id), instance, str(GRACE_MILLISECONDS))
    pipeline.hmget(claimed, "meta", "body")
    pipeline.delete(claimed)
    times, (meta, body), _ = pipeline.execute()
    return Claim(Payload(json.loads(meta), body), *times) if times else None


def reply(job_id: str, answer: bytes) -> None:
    """Hand `answer` to the caller that waits for the job. One round trip.

    Raises:
        redis.RedisError: the broker failed; the caller will not be answered.
    """
    key = _reply(job_id)
    pipeline = client().pipeline(transaction=True)
    pipeline.rpush(key, answer)
    pipeline.pexpire(key, REPLY_MILLISECONDS)
    pipeline.delete(_run(job_id))
    pipeline.execute()


def forget(job_id: str) -> None:
    """A job without a caller has ended."""
    client().delete(_run(job_id))


def wait(job_id: str, seconds: float) -> bytes:
    """The answer to the job, at most `seconds` from now. A broker that restarts is waited for a moment.

    Raises:
        UnansweredError: none came; the job is cancelled and never starts later.
    """
    deadline = time.monotonic() + seconds
    broken_since: float | None = None
    while (left := deadline - time.monotonic()) > 0:
        try:
            popped = client().blpop([_reply(job_id)], timeout=min(left, _LOOK_SECONDS))
            if popped is not None:
                return cast(bytes, popped[1])
            if _is_lost(job_id):
                break
            broken_since = None
        except redis.RedisError:
            broken_since = broken_since or time.monotonic()
            if time.monotonic() - broken_since > _BROKEN_SECONDS:
                break
            time.sleep(min(left, _RETRY_SECONDS))
    try:
        return _cancel(job_id)
    except redis.RedisError as error:
        raise UnansweredError(UnansweredReason.MAY_HAVE_RUN) from error


def _is_lost(job_id: str) -> bool:
    keys = (_ticket(job_id), _reply(job_id), _run(job_id), NODES_KEY)
    return bool(client().eval(_IS_LOST, len(keys), *keys))


def _cancel(job_id: str) -> bytes:
    answer = client().eval(_CANCEL, 3, _ticket(job_id), _reply(job_id), _run(job_id))
    if isinstance(answer, list):
        return cast(bytes, answer[0])
    raise UnansweredError(UnansweredReason(answer.decode()))


def _ticket(job_id: str) -> str:
    return f"udapi:ticket:{job_id}"


def _run(job_id: str) -> str:
    """The key that notes which node runs the job, as long as it does."""
    return f"udapi:run:{job_id}"


def _reply(job_id: str) -> str:
    return f"udapi:reply:{job_id}"
