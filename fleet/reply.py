"""Waits for the reply to a job in slices, and checks the job's node between them. Giving up cancels the job."""

import socket
import time

import redis

from broker.client import BRIEF_SECONDS, LEAST_PATIENCE_SECONDS, blpop, brief_client, server_life, server_milliseconds
from broker.connections import HeldConnection
from fleet import cancellation, celery_message, lua, redis_keys

# A ticket outlives its deadline, so that a caller that gives up learns whether it was taken.
GRACE_MILLISECONDS = 5_000
# A job with less time left is not claimed: its script would hardly begin before the deadline.
START_MILLISECONDS = 100
# A job that reaches Redis later than this is refused: its caller may have been answered. A node has the same time to
# begin a job that it has claimed; after that, a heartbeat that does not name the job means that it is lost.
LATE_MILLISECONDS = 1_000
# How often a waiting caller checks its node.
LOOK_SECONDS = 1.0

# Never 0, which means no limit to Redis.
LEAST_SECONDS = 0.01
# How often a waiting caller tries again, as long as it tolerates an unreachable broker.
_RETRY_SECONDS = 0.2
# How long after a check the caller certainly still waits: as long as it tolerates an unreachable Redis, less the time
# that a node has to begin the job.
SURE_MILLISECONDS = int(LEAST_PATIENCE_SECONDS * 1_000) - LATE_MILLISECONDS


def wait(job_id: str, deadline: float, answered_at: float, caller: socket.socket | None, *, is_quiet: bool) -> bytes:
    """The reply to a job, by `deadline`; Redis last answered at `answered_at`. Both are on the monotonic clock.

    `is_quiet`: the last wait ended without answer or error, so the node is checked first. After an error the wait comes
    first: the answer may arrive although the other keys of the job are gone.

    Raises:
        UnansweredError: none came; the job is cancelled.
        broker.client.HungUpError: `caller` hung up; the job is not cancelled yet.
    """
    while (left := deadline - time.monotonic()) > 0:
        try:
            if is_quiet:
                if _is_lost(job_id):
                    break
                answered_at = time.monotonic()
            if (answer := _pop(job_id, deadline, caller)) is not None:
                return answer
            is_quiet, answered_at = True, time.monotonic()
        except redis.RedisError:
            if time.monotonic() - answered_at > LEAST_PATIENCE_SECONDS:
                break
            is_quiet = False
            time.sleep(min(left, _RETRY_SECONDS))
    return cancellation.give_up(job_id)


def patience(left: float) -> tuple[float, float]:
    """Seconds to wait per slice, and how late Redis may then be without exceeding the caller's time."""
    slice_seconds = min(left, LOOK_SECONDS)
    return slice_seconds, min(LEAST_PATIENCE_SECONDS, left - slice_seconds + BRIEF_SECONDS)


def _pop(job_id: str, deadline: float, caller: socket.socket | None) -> bytes | None:
    """Wait for the reply, one slice at most."""
    slice_seconds, silence_seconds = patience(max(LEAST_SECONDS, deadline - time.monotonic()))
    return blpop(redis_keys.reply(job_id), slice_seconds, silence_seconds, caller)


def _is_lost(job_id: str) -> bool:
    keys = (redis_keys.ticket(job_id), redis_keys.reply(job_id), redis_keys.run(job_id), redis_keys.queue())
    what = (redis_keys.node(""), celery_message.entry(job_id), job_id, LATE_MILLISECONDS)
    with HeldConnection(brief_client()) as connection:
        # The sender's time, so that a check which Redis receives late does not prolong the wait.
        waits_until = server_milliseconds(connection) + SURE_MILLISECONDS
        return bool(lua.IS_LOST.over(connection, keys, *what, waits_until, server_life(connection)))
