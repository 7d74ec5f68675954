"""Cancelling a job: whoever takes its ticket away knows that it never starts."""

from typing import cast

import redis

from broker.client import brief_client, client, server_life
from broker.connections import HeldConnection
from fleet import lua, redis_frames, redis_keys
from fleet.answer import Reason, failure

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
        what = (b"", REPLY_MILLISECONDS, server_life(connection))
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


def revoke(job_id: str) -> None:
    """Cancel a job that no node has claimed; its caller is answered at once that it never started.

    Raises:
        redis.RedisError
    """
    answer = redis_frames.encode(failure(Reason.NEVER_STARTED, "The trigger was revoked.", 0))
    with HeldConnection(client()) as connection:
        what = (answer, REPLY_MILLISECONDS, server_life(connection))
        lua.CANCEL.over(connection, redis_keys.to_cancel(job_id), *what)
