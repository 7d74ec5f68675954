"""Handing a trigger over to the fleet and waiting for its answer."""

import socket

import redis
from django.conf import settings

from endpoint import errors
from fleet import queue
from fleet.answer import Answer, Reason
from fleet.cancellation import UnansweredError
from fleet.redis_frames import FrameError
from hosts.jobs import Job


def dispatch(job: Job, caller: socket.socket | None) -> Answer:
    """Run the job on a worker node and return the node's answer, even if it is an error.

    The caller of this function holds a waiting slot. When `caller`, the client, hangs up, the trigger is cancelled.

    Raises:
        ApiBusyError: as many runs of the API go on as it allows.
        ManagerNotInitializedError: no node can take the trigger, or too many jobs wait.
        MessageBrokerNotInitializedError: Redis is not reachable.
        RequestFailedError: handing over failed, or no answer came in time, or `caller` hung up.
        UnspecifiedReasonError: the answer cannot be read.
    """
    try:
        return queue.ask(job, settings.UDAPI_TRIGGER_TIMEOUT_SECONDS, caller)
    except queue.TooManyRunsError as error:
        raise errors.ApiBusyError(str(error), headers={"Retry-After": str(error.retry_after)}) from error
    except queue.NoNodeError as error:
        raise errors.ManagerNotInitializedError.for_now(str(error), error.retry_after) from error
    except UnansweredError as error:
        make = errors.RequestFailedError if error.may_have_run else errors.RequestFailedError.never_started
        raise make(str(error)) from error
    except redis.RedisError as error:
        raise errors.MessageBrokerNotInitializedError(str(error)) from error
    except FrameError as error:
        raise errors.UnspecifiedReasonError(f"the node's answer cannot be read: {error}") from error


def succeeded(answer: Answer) -> Answer:
    """`answer` itself if its run succeeded.

    Raises:
        TriggerError: what the node reported instead.
    """
    if answer.reason == Reason.NEVER_STARTED:
        raise errors.RequestFailedError.never_started(answer.message)
    if answer.reason is not None:
        raise errors.reported_by_node(answer.reason, answer.message, answer.parameters, answer.node)
    return answer
