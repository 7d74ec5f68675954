"""A collector of traces for tests: takes spans by OTLP over HTTP, or misbehaves."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from testbed.stack import wait_until

_FAILED = 2  # the code of a span's status


@dataclass(frozen=True)
class CollectedSpan:
    """A span as the collector got it; times are nanoseconds since 1970."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    began_at: int
    ended_at: int
    has_failed: bool
    state: str
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]


@dataclass
class Collector:
    """Listens on a loopback port. It answers `status`; while `is_hanging`, it does not answer at all.

    `received` holds all the bytes of all requests, heads included.
    """

    status: int = 200
    spans: list[CollectedSpan] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._goes_on = threading.Event()
        self._goes_on.set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                collector._take(self)

            def log_message(self, *_: object) -> None:
                """Nothing: the tests' output stays readable."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def is_hanging(self) -> bool:
        return not self._goes_on.is_set()

    def hang(self) -> None:
        """Answer nothing until `go_on`."""
        self._goes_on.clear()

    def go_on(self) -> None:
        self._goes_on.set()

    def trace(self, trace_id: str, number: int) -> list[CollectedSpan]:
        """The spans of a trace, once there are as many."""
        wait_until(lambda: len(self.of_trace(trace_id)) >= number, what=f"{number} spans of {trace_id}")
        return self.of_trace(trace_id)

    def of_trace(self, trace_id: str) -> list[CollectedSpan]:
        return [span for span in list(self.spans) if span.trace_id == trace_id]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on()
        self._server.shutdown()
        self._server.server_close()

    def _take(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        self.received.append(f"{request.path}\n{request.headers}".encode() + body)
        self._goes_on.wait()
        if self.status == 200:
            self.spans += _spans(body)
        request.send_response(self.status)
        request.send_header("Content-Length", "0")
        request.end_headers()


def _spans(body: bytes) -> list[CollectedSpan]:
    message = ExportTraceServiceRequest.FromString(body)
    return [
        _span(span, _values(each.resource.attributes))
        for each in message.resource_spans
        for scope in each.scope_spans
        for span in scope.spans
    ]


def _span(span: Any, resource: Mapping[str, Any]) -> CollectedSpan:
    return CollectedSpan(
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        kind=span.kind,
        began_at=span.start_time_unix_nano,
        ended_at=span.end_time_unix_nano,
        has_failed=span.status.code == _FAILED,
        state=span.trace_state,
        attributes=_values(span.attributes),
        resource=resource,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
