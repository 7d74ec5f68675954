"""Handing a trigger over to the fleet and waiting for its outcome."""

import struct

import redis
from django.conf import settings

from automation import queue
from automation.outcome import Outcome
from endpoint import errors
from endpoint.places import no_place


def dispatch(trigger_id: str, payload: queue.Payload) -> Outcome:
    """Run the trigger on a worker node; what the node answers, be it an error. The caller holds a place to wait.

    Raises:
        ManagerNotInitializedError: no node is alive, or too many jobs wait.
        MessageBrokerNotInitializedError: Redis is not reachable.
        RequestFailedError: handing over failed, or no answer came in time.
        UnspecifiedReasonError: the answer is none.
    """
    return _outcome(_ask(trigger_id, payload))


def succeeded(outcome: Outcome) -> Outcome:
    """The outcome of a run that succeeded.

    Raises:
        TriggerError: what the node reported instead.
    """
    head = outcome.head
    if head.reason is not None:
        raise errors.reported_by_node(head.reason, head.message, head.parameters, head.node)
    return outcome


def _ask(trigger_id: str, payload: queue.Payload) -> bytes:
    try:
        return queue.ask(trigger_id, payload, settings.UDAPI_TRIGGER_TIMEOUT_SECONDS, used_by=_token_id(payload))
    except queue.NoNodeError as error:
        raise no_place(str(error)) from error
    except (queue.HandOverError, queue.UnansweredError) as error:
        raise _unanswered(error.reason, str(error)) from error
    except redis.RedisError as error:
        raise errors.MessageBrokerNotInitializedError(str(error)) from error


def _token_id(payload: queue.Payload) -> str:
    """The token that let the caller in; it is noted as used."""
    return str(payload.meta["request"]["tokenId"])


def _unanswered(reason: queue.UnansweredReason, message: str) -> errors.RequestFailedError:
    if reason is queue.UnansweredReason.NEVER_STARTED:
        return errors.RequestFailedError.never_started(message)
    return errors.RequestFailedError(message)


def _outcome(frame: bytes) -> Outcome:
    try:
        return Outcome.decode(frame)
    except (ValueError, TypeError, struct.error) as error:
        raise errors.UnspecifiedReasonError(f"the node's answer cannot be read: {error}") from error
