"""Cancelling a run, wherever it is: it never starts, or it is killed with everything that its script has started."""

import time
from uuid import UUID

from broker.client import client
from fleet import redis_keys
from fleet.cancellation import cancel_waiting
from fleet.records import RunStatus
from fleet.remote_control import cancel_running
from runs import selection

_BEGINS_WITHIN_SECONDS = 2.0
_PAUSE_SECONDS = 0.05


class NoSuchRunError(Exception):
    """There is no such run."""


class RunOverError(Exception):
    """It is over already."""


class NoAnswerError(Exception):
    """The node that has the run does not answer."""


def cancel(run_id: UUID, by: str) -> None:
    """Cancel a run for the user `by`. Its caller is answered with error 2007, which names the user.

    Raises:
        NoSuchRunError, RunOverError
        NoAnswerError, redis.RedisError: it may go on.
    """
    known = selection.find(run_id)
    # A run that was not answered may still go on.
    if known is not None and known.is_over and known.status != RunStatus.UNANSWERED:
        raise RunOverError
    until = time.monotonic() + _BEGINS_WITHIN_SECONDS
    # Between the queue and its process, or on its way back to the queue, no node has it for a moment.
    while not _cancel(str(run_id), by):
        if not _is_claimed(str(run_id)):
            # It may have been given back, or begun, since this process has asked.
            if _cancel(str(run_id), by):
                return
            raise RunOverError if _is_known(run_id) else NoSuchRunError
        if time.monotonic() > until:
            raise NoAnswerError
        time.sleep(_PAUSE_SECONDS)


def _cancel(run_id: str, by: str) -> bool:
    return cancel_waiting(run_id, by) or cancel_running(run_id, by)


def _is_claimed(run_id: str) -> bool:
    return bool(client().exists(redis_keys.run(run_id)))


def _is_known(run_id: UUID) -> bool:
    """Whether there has been such a run."""
    # A second look finds what was on its way from Redis to the database during the first.
    return any(selection.find(run_id) is not None for _ in range(2))
