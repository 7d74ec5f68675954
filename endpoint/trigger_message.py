"""The trigger message: a trigger without HTTP, admitted and run like any other.

No rate limit and no content type. The remaining checks have the same order as over HTTP, and each failure has its exact
reason: this is for maintainers, not for clients.
"""

import base64
import socket
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from definitions import routes
from endpoint import admission, errors
from endpoint.authentication import token_of
from endpoint.dispatch import dispatch, succeeded
from endpoint.run_note import RunNote, kept_request
from endpoint.trigger_log import TriggerLog
from endpoint.trigger_request import METHODS, TriggerRequest
from endpoint.trigger_trace import TriggerTrace
from endpoint.waiting_slots import slots
from fleet.answer import Answer
from fleet.run_spans import placed
from foundation import log_context
from foundation.ids import new_run_id
from foundation.limits import LARGEST_TRIGGER_BODY
from foundation.traceparent import NO_TRACE, TraceContext
from hosts.jobs import Job, RunKind


@dataclass(frozen=True, slots=True)
class TriggerMessage:
    """`route` is written as in a URL, after `/api/custom/`; every text is valid UTF-8."""

    request_method: str = ""
    route: str = ""
    secret: str = field(default="", repr=False)
    raw_body: str = field(default="", repr=False)
    query_parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    trace: TraceContext = NO_TRACE


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
    """Either an error or an answer, and the statistics. `log` is what the script logged, if it was run."""

    statistics: Statistics
    error: errors.TriggerError | None
    answer: Answer | None
    log: str = ""

    def as_json(self) -> dict[str, Any]:
        """`TriggerUserDefinableApiResponseMessage` with the statistics."""
        return {
            "traceData": {"errorData": [] if self.error is None else [_error_data(self.error)]},
            "actionResult": None if self.answer is None else _action_result(self.answer),
            "statistics": self.statistics.as_json(),
            "log": self.log,
        }


def trigger(
    message: TriggerMessage, caller: socket.socket | None = None, user: str = "", client_address: str = ""
) -> TriggerAnswer:
    """Run the trigger for `user` and wait for the answer, which also carries every error; nothing is raised.

    When `caller`, the client, hangs up, the trigger is cancelled.
    """
    note = RunNote(new_run_id(), RunKind.MESSAGE, user=user, client_address=client_address)
    log = TriggerLog(note.record.id, message.request_method.upper(), f"/{routes.PREFIX}{message.route}")
    size = len(message.raw_body.encode())
    return carried_out(partial(_job, message, note, log), size, note, log, caller, message.trace)


def _job(message: TriggerMessage, note: RunNote, log: TriggerLog) -> Job:
    request = _request(message)
    body = message.raw_body.encode()
    if len(body) > LARGEST_TRIGGER_BODY:
        raise errors.BodyTooLargeError(f"{len(body)} bytes")
    token = token_of(message.secret)
    log.token_id = token.id
    log.definition = definition = admission.definition_for(request, token.id)
    note.calls(definition, request, token.id)
    admitted = admission.admit(request, token.id, definition)
    log.script = admitted.script
    note.runs(admitted.script)
    kept = kept_request(definition, request, body)
    return admission.job(note.record.id, admitted, body, note.origin(kept, request_bytes=len(body), wants_log=True))


def carried_out(
    make_job: Callable[[], Job],
    request_bytes: int,
    note: RunNote,
    log: TriggerLog,
    caller: socket.socket | None,
    around: TraceContext = NO_TRACE,
) -> TriggerAnswer:
    """Make the job of a run, have it run, and wait for the answer."""
    begun = time.monotonic()
    trace = TriggerTrace.of_message(note.record.kind, note.record.id, around)
    statistics = Statistics(trigger_id=note.record.id, request_bytes=request_bytes)
    note.record.request_bytes = request_bytes
    error, answer, lines = None, None, ""
    with log_context.bound(log.trigger_id, trace.context.trace_id):
        log.started()
        try:
            job = placed(make_job(), trace.context)
            trace.admitted()
            with slots.hold():
                told = note.answered(dispatch(job, caller))
            statistics.answered(told)
            lines = told.log
            answer = succeeded(told)
            log.ended(answer.code, answer.node)
        except Exception as exception:  # noqa: BLE001  the answer carries it
            error = _exact(exception)
            log.ended(error, error.node)
            trace.failed(error)
            note.told(error)
    trace.ended()
    statistics.total_milliseconds = (time.monotonic() - begun) * 1_000
    return TriggerAnswer(statistics, error, answer, lines)


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
