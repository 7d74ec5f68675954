"""What a trigger over HTTP leaves behind: lines in the log, its run, spans, metrics, and times for its caller."""

from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase

from definitions.lookups import DefinitionRow, ScriptRow
from endpoint import request_metrics, server_times, trigger_request
from endpoint.errors import TriggerError
from endpoint.run_note import RunNote
from endpoint.trigger_log import TriggerLog
from endpoint.trigger_request import TriggerRequest
from endpoint.trigger_trace import TriggerTrace
from fleet.answer import Answer
from fleet.run_spans import placed
from foundation import log_context
from foundation.ids import new_run_id
from hosts.jobs import Job, Origin, RunKind


class ObservedTrigger:
    """One trigger, told what happens to it step by step, in the order of the methods.

    Until `calls`, neither the metrics nor its caller learn what exists, and it leaves no run.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        """It begins now; the lines that this thread logs from here on bear its id."""
        self.id = new_run_id()
        self._log = TriggerLog(self.id, str(environ["REQUEST_METHOD"]), trigger_request.path(environ))
        log_context.trigger_id.set(self.id)
        self._trace = TriggerTrace.of_request(environ, self.id)
        log_context.trace_id.set(self._trace.context.trace_id)
        self._run = RunNote(self.id, RunKind.TRIGGER)
        self._admission_seconds: float | None = None
        self._answer: Answer | None = None

    def authenticated(self, token_id: UUID) -> None:
        self._log.started(token_id)

    def calls(self, definition: DefinitionRow, request: TriggerRequest, token_id: UUID) -> None:
        """It calls a definition that the token may call."""
        self._log.definition = definition
        self._run.record.client_address = request.client_address
        self._run.calls(definition, request, token_id)
        self._trace.calls(request.method, definition.route)

    def runs(self, script: ScriptRow) -> None:
        self._log.script = script
        self._run.runs(script)

    def origin(self, kept: bytes, request_bytes: int) -> Origin:
        """What the job says of its beginning; `kept` is what is kept of the request."""
        return self._run.origin(kept, request_bytes=request_bytes)

    def admitted(self, job: Job) -> Job:
        """It is queued next: as the job that is returned, which knows its place in a trace."""
        self._admission_seconds = self._log.seconds
        self._trace.admitted()
        return placed(job, self._trace.context)

    def answered(self, answer: Answer) -> Answer:
        """A node has answered, with whatever."""
        self._answer = answer
        return self._run.answered(answer)

    def succeeded(self, answer: Answer) -> None:
        self._log.ended(answer.code, answer.node)
        self._count(answer.code)

    def failed(self, error: TriggerError) -> None:
        """It ends in an error, at any step."""
        self._log.ended(error, error.node)
        self._trace.failed(error)
        if self._log.definition is not None:
            self._run.told(error)
        self._count(error)

    def _count(self, result: int | TriggerError) -> None:
        request_metrics.count(self._log.method, self._run.record.route, result, self._log.seconds)

    def responded(self, response: HttpResponseBase) -> None:
        """The response is complete, but for the times that the definition promises."""
        self._trace.ended(response.status_code)
        if (definition := self._log.definition) is not None and definition.server_timing:
            server_times.add_to(response, self._admission_seconds, self._log.seconds, self._answer)
