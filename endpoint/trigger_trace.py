"""The spans of a trigger in the web server: the request, and in it what happens before a node may run the script."""

from collections.abc import Mapping
from typing import Any

from definitions import routes
from endpoint.errors import TriggerError
from endpoint.trigger_request import METHODS
from foundation import traceparent
from foundation.traceparent import TraceContext
from foundation.tracer import NO_SPAN, TraceSpan, tracer

FIRST_SERVER_ERROR = 500


def sent_with(environ: Mapping[str, Any]) -> TraceContext:
    """The place in a trace that the client of a request names. Servers join repeated headers with a comma."""
    return traceparent.received(environ.get("HTTP_TRACEPARENT"), environ.get("HTTP_TRACESTATE"))


class TriggerTrace:
    """The spans of one trigger. Of what the client sent, they have the method only."""

    def __init__(self, request: TraceSpan, trigger_id: str) -> None:
        self._request = request
        self._admission = NO_SPAN
        if request.is_recorded:
            self._admission = request.part("admission", {"udapi.trigger_id": trigger_id})

    @classmethod
    def of_request(cls, environ: Mapping[str, Any], trigger_id: str) -> "TriggerTrace":
        """The trace of a trigger over HTTP."""
        span = tracer.entry("HTTP", sent_with(environ))
        if span.is_recorded:
            method = environ["REQUEST_METHOD"] if environ["REQUEST_METHOD"] in METHODS else ""
            span.note({"http.request.method": method or "_OTHER", "udapi.trigger_id": trigger_id})
            span.rename(method or "HTTP")
        return cls(span, trigger_id)

    @classmethod
    def of_message(cls, kind: str, trigger_id: str, around: TraceContext) -> "TriggerTrace":
        """The trace of a trigger without HTTP, such as a trial."""
        return cls(tracer.entry(kind.lower(), around, {"udapi.trigger_id": trigger_id}), trigger_id)

    @property
    def context(self) -> TraceContext:
        """Where the job of the trigger stands in the trace."""
        return self._request.context

    def calls(self, method: str, route: str) -> None:
        """Note the route, as it is defined."""
        if self._request.is_recorded:
            template = f"/{routes.PREFIX}{route}"
            self._request.rename(f"{method.upper()} {template}")
            self._request.note({"http.route": template})

    def admitted(self) -> None:
        self._admission.end()

    def failed(self, error: TriggerError) -> None:
        if self._request.is_recorded:
            self._admission.note({"udapi.reason": error.reason})
            self._request.note({"udapi.reason": error.reason, "udapi.error_code": error.code})
            if error.status >= FIRST_SERVER_ERROR:
                self._request.fail(error.reason)
            self._admission.end()

    def ended(self, status: int | None = None) -> None:
        """The answer is there, with this status if it goes over HTTP."""
        if status is not None:
            self._request.note({"http.response.status_code": status})
        self._request.end()
