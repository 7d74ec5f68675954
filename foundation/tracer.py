"""The spans of this process: how long the steps of a trigger take, for a collector of traces.

Without `OTEL_EXPORTER_OTLP_ENDPOINT`, nothing is recorded and no exporter is imported, which would take 9 MB and 0.1 s.
The place in a trace that a caller names is then handed on as it came.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import TracebackType
from typing import Protocol, Self

from foundation.traceparent import NO_TRACE, TraceContext

SAMPLERS = (
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
)

_RECORDER = "foundation.span_recorder"

SpanValue = str | int | float | bool


@dataclass(frozen=True)
class TraceSettings:
    """Where spans go, and which traces are recorded; `ratio` is the share of them that a sampler by ratio takes."""

    endpoint: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    sampler: str
    ratio: float
    is_disabled: bool

    @property
    def is_on(self) -> bool:
        return bool(self.endpoint) and not self.is_disabled


class TraceSpan:
    """A span that is not recorded: it only has a place in the trace, `context`."""

    __slots__ = ("context",)
    is_recorded = False

    def __init__(self, context: TraceContext) -> None:
        self.context = context

    def part(self, name: str, values: Mapping[str, SpanValue] | None = None) -> "TraceSpan":
        """A span within this one, which begins now."""
        return self

    def rename(self, name: str) -> None:
        """Give it the name that became known later."""

    def note(self, values: Mapping[str, SpanValue]) -> None:
        """Add attributes."""

    def fail(self, why: str) -> None:
        """Note that the step failed, for a reason that holds nothing secret."""

    def end(self, ended_at: int | None = None) -> None:
        """It ends now, or at `ended_at` in nanoseconds since 1970. What comes later is ignored."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is not None:
            self.fail(kind.__name__.strip("_"))
        self.end()


NO_SPAN = TraceSpan(NO_TRACE)


class SpanRecorder(Protocol):
    """What records spans. `begun_at` is in nanoseconds since 1970."""

    def begin(
        self,
        name: str,
        around: TraceContext,
        values: Mapping[str, SpanValue] | None,
        begun_at: int | None = None,
        *,
        is_entry: bool = False,
    ) -> TraceSpan: ...

    def stop(self) -> None: ...


class Tracer:
    """Begins spans; safe for threads."""

    def __init__(self) -> None:
        self._recorder: SpanRecorder | None = None

    def load(self, settings: TraceSettings) -> None:
        """Import what `start` needs: before a fork, its memory is shared."""
        if settings.is_on:
            import_module(_RECORDER)

    def start(self, settings: TraceSettings) -> None:
        """Record from now on, if there is a collector. Threads do not survive a fork: call it after that."""
        if settings.is_on:
            self._recorder = import_module(_RECORDER).OtlpRecorder(settings)

    def stop(self) -> None:
        """Send what is left, and return within two seconds."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.stop()

    def entry(self, name: str, around: TraceContext, values: Mapping[str, SpanValue] | None = None) -> TraceSpan:
        """The span of a request, which continues the caller's trace or begins one."""
        if self._recorder is None:
            return TraceSpan(around) if around else NO_SPAN
        return self._recorder.begin(name, around, values, is_entry=True)

    def part(
        self,
        name: str,
        around: TraceContext,
        values: Mapping[str, SpanValue] | None = None,
        begun_at: int | None = None,
    ) -> TraceSpan:
        """A span within a trace that is recorded; one of its own is never begun here."""
        if self._recorder is None or not around.is_sampled:
            return TraceSpan(around) if around else NO_SPAN
        return self._recorder.begin(name, around, values, begun_at)


tracer = Tracer()
