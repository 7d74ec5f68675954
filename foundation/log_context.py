"""Which trigger and which trace the log lines of a thread belong to."""

from contextvars import ContextVar
from types import TracebackType

trigger_id: ContextVar[str] = ContextVar("trigger_id", default="")
trace_id: ContextVar[str] = ContextVar("trace_id", default="")


class bound:  # noqa: N801  reads as a function in a `with` statement
    """Binds both ids for a block, in which they may still be set; afterwards they are what they were.

    A block starts without a trace id unless it is given one: threads are used again.
    """

    __slots__ = ("_of_trace", "_of_trigger", "_trace", "_trigger")

    def __init__(self, trigger: str = "", trace: str = "") -> None:
        self._trigger, self._trace = trigger, trace

    def __enter__(self) -> None:
        self._of_trigger, self._of_trace = trigger_id.set(self._trigger), trace_id.set(self._trace)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        trigger_id.reset(self._of_trigger)
        trace_id.reset(self._of_trace)
