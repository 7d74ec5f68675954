"""The trigger message: a trigger without HTTP, admitted and run like any other.

No rate limit and no content type. The remaining checks have the same order as over HTTP, and each failure has its exact
reason: this is for maintainers, not for clients.
"""

import base64
import socket
import time
import traceback
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from definitions import routes
from endpoint import admission, errors
from endpoint.authentication import token_of
from endpoint.dispatch import dispatch, succeeded
from endpoint.trigger_log import TriggerLog
from endpoint.trigger_request import METHODS, TriggerRequest
from endpoint.waiting_slots import slots
from fleet.answer import Answer
from foundation.limits import LARGEST_TRIGGER_BODY


@dataclass(frozen=True, slots=True)
class TriggerMessage:
    """`route` is written as in a URL, after `/api/custom/`; every text is valid UTF-8."""

    request_method: str = ""
    route: str = ""
    secret: str = field(default="", repr=False)
    raw_body: str = field(default="", repr=False)
    query_parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Statistics(msgspec.Struct, rename="camel", kw_only=True):
    """What the trigger took. Queue time, run time and node are None where no worker node has answered."""

    queue_milliseconds: float | None = None
    run_milliseconds: float | None = None
    total_milliseconds: float = 0.0
    request_bytes: int
    response_bytes: int = 0
    node: int | None = None
    trigger_id: str

    def answered(self, answer: Answer) -> None:
        """Take over what the worker node reported; the time in the queue is by the clock of Redis."""
        self.queue_milliseconds = answer.queue_milliseconds
        self.run_milliseconds = answer.run_milliseconds
        self.node = answer.node or None
        self.response_bytes = len(answer.body)

    def as_json(self) -> dict[str, Any]:
        values: dict[str, Any] = msgspec.to_builtins(self)
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class TriggerAnswer:
    """Either an error or an answer, and the statistics."""

    statistics: Statistics
    error: errors.TriggerError | None
    answer: Answer | None

    def as_json(self) -> dict[str, Any]:
        """`TriggerUserDefinableApiResponseMessage` with the statistics."""
        return {
            "traceData": {"errorData": [] if self.error is None else [_error_data(self.error)]},
            "actionResult": None if self.answer is None else _action_result(self.answer),
            "statistics": self.statistics.as_json(),
        }


def trigger(message: TriggerMessage, caller: socket.socket | None = None) -> TriggerAnswer:
    """Run the trigger and wait for the answer, which also carries every error; nothing is raised.

    When `caller`, the client, hangs up, the trigger is cancelled.
    """
    begun = time.monotonic()
    body = message.raw_body.encode()
    statistics = Statistics(trigger_id=str(uuid.uuid4()), request_bytes=len(body))
    log = TriggerLog(statistics.trigger_id, message.request_method.upper(), f"/{routes.PREFIX}{message.route}")
    log.started()
    try:
        answer, error = _carry_out(message, body, statistics, log, caller), None
        log.ended(answer.code, answer.node)
    except Exception as exception:  # noqa: BLE001  the answer carries it
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
    admitted = admission.admit(request, token.id)
    log.script = admitted.script
    job = admission.job(statistics.trigger_id, admitted, body)
    with slots.hold():
        answer = dispatch(job, caller)
    statistics.answered(answer)
    return succeeded(answer)


def _request(message: TriggerMessage) -> TriggerRequest:
    method = METHODS.get(message.request_method.upper())
    if method is None:
        raise errors.InvalidRequestMethodError("triggers have no such method")
    # WSGI hands bytes over as Latin-1, too.
    segments = routes.request_segments(message.route.encode().decode("latin-1"))
    if segments == ():
        raise errors.EmptyRouteError("the route is empty")
    query = [(name, value) for name, values in message.query_parameters.items() for value in values]
    return TriggerRequest(method, segments, query)


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
