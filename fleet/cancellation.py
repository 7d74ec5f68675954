"""Cancelling a job: whoever takes its ticket away knows that it never starts."""

from contextlib import suppress
from typing import cast

import redis

from broker.client import brief_client, client, server_life
from broker.connections import HeldConnection, ask
from fleet import lua, records, redis_frames, redis_keys
from fleet.answer import Answer, Reason, failure
from fleet.record_buffer import record_buffer
from fleet.records import Authority
from foundation.times import now_milliseconds
from hosts.jobs import Job

REPLY_MILLISECONDS = 10_000
"""How long Redis keeps the reply to a job."""


class UnansweredError(Exception):
    """There is no answer: the time is over, the node or the caller is gone, or Redis did not take the job.

    `may_have_run` is False if the job certainly never ran and never will.
    """

    def __init__(self, message: str, *, may_have_run: bool) -> None:
        super().__init__(message)
        self.may_have_run = may_have_run


def give_up(job_id: str, why: str = "") -> bytes:
    """Cancel a job; returns the reply if it has just arrived. `why` begins the message of the error.

    Raises:
        UnansweredError
    """
    try:
        return cancel(job_id, why)
    except redis.RedisError as error:
        raise UnansweredError(f"{why}may have run", may_have_run=True) from error


def cancel(job_id: str, why: str = "") -> bytes:
    """Like `give_up`.

    Raises:
        UnansweredError
        redis.RedisError: it is unknown whether the job is cancelled.
    """
    with HeldConnection(brief_client()) as connection:
        what = (b"", REPLY_MILLISECONDS, server_life(connection), job_id)
        outcome = lua.CANCEL.over(connection, redis_keys.to_cancel(job_id), *what)
    if isinstance(outcome, list):
        return cast(bytes, outcome[0])
    raise UnansweredError(why + outcome.decode(), may_have_run=outcome != b"never started")


def may_have_run(job_id: str) -> bool:
    """Cancel a job that may not have reached Redis; returns whether it may have run."""
    try:
        cancel(job_id)
    except UnansweredError as error:
        return error.may_have_run
    except redis.RedisError:
        pass
    return True


def revoke(job_id: str) -> bool:
    """Cancel a job that no node has claimed; its caller is answered at once that it never started.

    Returns whether the job waited.

    Raises:
        redis.RedisError
    """
    return _end_waiting(job_id, failure(Reason.NEVER_STARTED, "The trigger was revoked.", 0))


def cancel_waiting(job_id: str, by: str) -> bool:
    """Cancel a job that no node has claimed, for the user `by`; its caller is answered that it was cancelled.

    Returns whether the job waited.

    Raises:
        redis.RedisError
    """
    return _end_waiting(job_id, failure(Reason.CANCELLED, cancelled_by(by), 0))


def cancelled_by(user: str) -> str:
    """What the maintainer reads about a cancelled run."""
    return f"The run was cancelled by {user}." if user else "The run was cancelled."


def _end_waiting(job_id: str, answer: Answer) -> bool:
    with HeldConnection(client()) as connection:
        # Read first: who takes the ticket away takes the job with it.
        frame = ask(connection, "HGET", redis_keys.ticket(job_id), "frame")
        what = (redis_frames.encode(answer), REPLY_MILLISECONDS, server_life(connection), job_id)
        outcome = lua.CANCEL.over(connection, redis_keys.to_cancel(job_id), *what)
    if outcome != b"never started":
        return False
    _record_end(frame, answer)
    return True


def _record_end(frame: bytes | None, answer: Answer) -> None:
    """Leave the record of a run that never started: nobody may wait for it."""
    if frame is None:
        return
    with suppress(redis_frames.FrameError):
        job = redis_frames.decode(frame, Job)
        if job.origin is not None:
            record = records.of_job(job, Authority.TOLD, records.status_of(answer))
            record.reason, record.message, record.ended_at = answer.reason or "", answer.message, now_milliseconds()
            record_buffer().add((record, None))
