"""Records spans and sends them to a collector. The only module that imports OpenTelemetry: see `foundation.tracer`."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider, sampling
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from foundation import __version__
from foundation.traceparent import TraceContext
from foundation.tracer import SpanValue, TraceSettings, TraceSpan

MOST_WAITING = 2_048
"""How many spans wait for the collector; further ones are dropped."""

STOP_SECONDS = 2.0

_PATH = "v1/traces"
_SERVICE_NAME = "udapi"
# How often the log says that spans are lost.
_QUIET_SECONDS = 60.0

_log = logging.getLogger("udapi.traces")

_SAMPLERS: Mapping[str, Callable[[float], sampling.Sampler]] = {
    "always_on": lambda _: sampling.ALWAYS_ON,
    "always_off": lambda _: sampling.ALWAYS_OFF,
    "traceidratio": sampling.TraceIdRatioBased,
    "parentbased_always_on": lambda _: sampling.DEFAULT_ON,
    "parentbased_always_off": lambda _: sampling.DEFAULT_OFF,
    "parentbased_traceidratio": sampling.ParentBasedTraceIdRatio,
}


class LostSpans:
    """Counts the spans that never reach the collector, and says so once a minute at most. Safe for threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._count, self._quiet_until = 0, 0.0
        self.total = 0

    def add(self, number: int) -> None:
        with self._lock:
            self.total += number
            self._count += number
            if (now := self._clock()) < self._quiet_until:
                return
            count, self._count, self._quiet_until = self._count, 0, now + _QUIET_SECONDS
        _log.warning("%d span(s) were not exported: the collector of traces does not take them", count)


class CountingExporter(SpanExporter):
    """Counts what the collector does not take."""

    def __init__(self, exporter: SpanExporter, lost: LostSpans) -> None:
        self._exporter, self._lost, self.handed_over = exporter, lost, 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.handed_over += len(spans)
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._lost.add(len(spans))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class BoundedProcessor(BatchSpanProcessor):
    """Exports spans in a thread of its own. While `MOST_WAITING` wait, it drops and counts further ones."""

    def __init__(self, exporter: CountingExporter, lost: LostSpans) -> None:
        super().__init__(exporter, max_queue_size=MOST_WAITING)
        self._exporter, self._lost = exporter, lost
        self._lock, self._taken = threading.Lock(), 0

    def on_end(self, span: ReadableSpan) -> None:
        with self._lock:
            is_full = self._taken - self._exporter.handed_over >= MOST_WAITING
            self._taken += not is_full
        if is_full:
            self._lost.add(1)
        else:
            super().on_end(span)


class RecordedSpan(TraceSpan):
    """A span that goes to the collector when it ends, if its trace is sampled."""

    __slots__ = ("_recorder", "_span")
    is_recorded = True

    def __init__(self, recorder: "OtlpRecorder", span: Span, context: TraceContext) -> None:
        super().__init__(context)
        self._recorder, self._span = recorder, span

    def part(self, name: str, values: Mapping[str, SpanValue] | None = None) -> TraceSpan:
        return self._recorder.begin(name, self.context, values)

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def note(self, values: Mapping[str, SpanValue]) -> None:
        self._span.set_attributes(values)

    def fail(self, why: str) -> None:
        self._span.set_attribute("error.type", why)
        self._span.set_status(Status(StatusCode.ERROR))

    def end(self, ended_at: int | None = None) -> None:
        if self._span.is_recording():
            self._span.end(ended_at)


class OtlpRecorder:
    """Records spans in this process and sends them by OTLP over HTTP, in batches and off the way of triggers.

    What OpenTelemetry itself would log about a collector may quote what that has answered, so it is not logged.
    """

    def __init__(self, settings: TraceSettings) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
        self.lost = LostSpans()
        endpoint = f"{settings.endpoint.removesuffix('/')}/{_PATH}"
        exporter = CountingExporter(OTLPSpanExporter(endpoint, headers=settings.headers), self.lost)
        sampler = _SAMPLERS[settings.sampler](settings.ratio)
        self._follows_callers = settings.sampler.startswith("parentbased")
        # `stop` ends it within its time; the provider's own way to end may take half a minute.
        self._provider = TracerProvider(sampler, _resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(BoundedProcessor(exporter, self.lost))
        self._tracer = self._provider.get_tracer("udapi", __version__)

    def begin(
        self,
        name: str,
        around: TraceContext,
        values: Mapping[str, SpanValue] | None,
        begun_at: int | None = None,
        *,
        is_entry: bool = False,
    ) -> TraceSpan:
        """A span that begins now, or at `begun_at` in nanoseconds since 1970."""
        if self._follows_callers and around and not around.is_sampled:
            # What the sampler would say, at a fifth of the price.
            return TraceSpan(around)
        parent = set_span_in_context(NonRecordingSpan(_context_of(around)), Context()) if around else Context()
        kind = SpanKind.SERVER if is_entry else SpanKind.INTERNAL
        span = self._tracer.start_span(name, parent, kind, values, start_time=begun_at)
        made = span.get_span_context()
        text = f"00-{made.trace_id:032x}-{made.span_id:016x}-{made.trace_flags:02x}"
        context = TraceContext(text, around.tracestate)
        return RecordedSpan(self, span, context) if span.is_recording() else TraceSpan(context)

    def stop(self) -> None:
        """Send what is left. A collector that does not answer is not waited for."""
        ending = threading.Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        ending.start()
        ending.join(STOP_SECONDS)


def _context_of(around: TraceContext) -> SpanContext:
    state = TraceState.from_header([around.tracestate]) if around.tracestate else None
    ids = int(around.trace_id, 16), int(around.span_id, 16)
    return SpanContext(*ids, is_remote=True, trace_flags=TraceFlags(around.flags), trace_state=state)


def _resource() -> Resource:
    """What `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say about this program."""
    found = Resource.create()
    if str(found.attributes.get(SERVICE_NAME)).startswith("unknown_service"):
        return found.merge(Resource({SERVICE_NAME: _SERVICE_NAME}))
    return found
