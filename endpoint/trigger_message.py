"""The trigger message: a trigger without HTTP, straight to the trigger manager.

No rate limit and no content type. The checks that are left come in the order of those over HTTP, and each
failure tells its exact reason: this is for maintainers, not for clients.
"""

import base64
import socket
import time
import traceback
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from definitions import routes
from endpoint import admission, errors
from endpoint.authentication import token_of
from endpoint.dispatch import dispatch, succeeded
from endpoint.trigger_log import TriggerLog
from endpoint.trigger_request import METHODS, TriggerRequest
from endpoint.waiting_slots import place
from fleet.answer import Answer
from foundation.limits import LARGEST_TRIGGER_BODY


@dataclass(frozen=True, slots=True)
class TriggerMessage:
    """What is asked for. `route` is written as in a URL, behind `/api/custom/`; every text is valid UTF-8."""

    request_method: str = ""
    route: str = ""
    secret: str = field(default="", repr=False)
    raw_body: str = field(default="", repr=False)
    query_parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Statistics:
    """What the trigger took; queue and run time, and the node, are None where no worker node has answered."""

    trigger_id: str
    request_bytes: int
    response_bytes: int = 0
    total_milliseconds: float = 0.0
    queue_milliseconds: float | None = None
    run_milliseconds: float | None = None
    node: int | None = None

    def answered(self, answer: Answer) -> None:
        """Take what a worker node tells; the time in the queue goes by the clock of Redis."""
        self.queue_milliseconds = answer.queue_milliseconds
        self.run_milliseconds = answer.run_milliseconds
        self.node = answer.node or None
        self.response_bytes = len(answer.body)

    def as_json(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return {
            "queueMilliseconds": _rounded(self.queue_milliseconds),
            "runMilliseconds": _rounded(self.run_milliseconds),
            "totalMilliseconds": _rounded(self.total_milliseconds),
            "requestBytes": self.request_bytes,
            "responseBytes": self.response_bytes,
            "node": self.node,
            "triggerId": self.trigger_id,
        }


@dataclass(frozen=True, slots=True)
class TriggerAnswer:
    """What became of it: either an error or an answer, and the statistics."""

    statistics: Statistics
    error: errors.TriggerError | None
    answer: Answer | None

    def as_json(self) -> dict[str, Any]:
        """`TriggerUserDefinableApiResponseMessage` with the statistics, as it goes over the wire."""
        return {
            "traceData": {"errorData": [] if self.error is None else [_error_data(self.error)]},
            "actionResult": None if self.answer is None else _action_result(self.answer),
            "statistics": self.statistics.as_json(),
        }


def trigger(message: TriggerMessage, caller: socket.socket | None = None) -> TriggerAnswer:
    """Run what the message asks for and wait for the answer; errors are in it, none is raised.

    When `caller` hangs up, the trigger is cancelled.
    """
    begun = time.monotonic()
    body = message.raw_body.encode()
    statistics = Statistics(str(uuid.uuid4()), len(body))
    log = _log(statistics.trigger_id, message)
    try:
        answer, error = _carry_out(message, body, statistics, log, caller), None
        log.ended(answer.code, answer.node)
    except Exception as exception:  # noqa: BLE001  whatever it is, it is told here
        answer, error = None, _exact(exception)
        log.ended(error, error.node)
    statistics.total_milliseconds = (time.monotonic() - begun) * 1_000
    return TriggerAnswer(statistics, error, answer)


def _carry_out(
    message: TriggerMessage, body: bytes, statistics: Statistics, log: TriggerLog, caller: socket.socket | None
) -> Answer:
    request = _request(message)
    if len(body) > LARGEST_TRIGGER_BODY:
        raise errors.BodyTooLargeError(f"{len(body)} bytes")
    token = token_of(message.secret)
    log.token_id = token.id
    job = admission.job(statistics.trigger_id, admission.admit(request, token.id), body)
    with place():
        answer = dispatch(job, caller)
    statistics.answered(answer)
    return succeeded(answer)


def _request(message: TriggerMessage) -> TriggerRequest:
    method = METHODS.get(message.request_method.upper())
    if method is None:
        raise errors.InvalidRequestMethodError("no method of triggers")
    # As the HTTP server hands bytes over.
    segments = routes.request_segments(message.route.encode().decode("latin-1"))
    if segments == ():
        raise errors.EmptyRouteError("the route is empty")
    query = [(name, value) for name, values in message.query_parameters.items() for value in values]
    return TriggerRequest(method, segments, query)


def _log(trigger_id: str, message: TriggerMessage) -> TriggerLog:
    log = TriggerLog(trigger_id, message.request_method.upper(), f"/{routes.PREFIX}{message.route}")
    log.started()
    return log


def _exact(exception: Exception) -> errors.TriggerError:
    error = errors.foreseen(exception)
    if error is not exception:
        error.message = "".join(traceback.format_exception(exception))
    return error


def _error_data(error: errors.TriggerError) -> dict[str, Any]:
    return {"reason": error.reason, "message": error.message, "parameters": error.parameters}


def _action_result(answer: Answer) -> dict[str, Any]:
    return {
        "responseCode": answer.code,
        "responseBody": answer.body.decode() if answer.is_text else "",
        "responseBodyBytes": None if answer.is_text else base64.b64encode(answer.body).decode(),
        "responseHeaders": answer.headers,
    }


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 3)
