"""The event loop of a worker thread, which serves the runs that are nested in one another."""

import math
import select
import time
from collections.abc import Callable, Set
from typing import Protocol

from hosts.cancel_signal import CancelSignal
from hosts.jobs import HostResult

READ, WRITE = select.POLLIN, select.POLLOUT


class NestedRun(Protocol):
    """A run as its loop sees it. Times are on the monotonic clock."""

    run_id: str
    due_at: float
    """When `on_time` has to be called at the latest."""
    result: HostResult | None
    """Set when it is decided; the process may still be about to end."""

    def on_time(self, now: float) -> None:
        """Do what is due by now."""

    def abandon(self) -> None:
        """End the run, because the one that waits for it has ended."""

    def cancel(self) -> None:
        """End the run, because somebody has cancelled it."""


class RunLoop:
    """Serves the runs that are nested in one another in one worker thread, the outermost first.

    While a script waits for a subscript, its thread also serves the runs around the subscript: it drains their output
    and ends them at their own deadlines. When one of them has ended, the runs within it end, too. `on_subscript` gets
    the loop and passes it on to `ScriptHosts.run`, in the same thread. With a `signal`, other threads can cancel each
    of the runs.
    """

    def __init__(self, signal: CancelSignal | None = None) -> None:
        # `poll` creates nothing in the kernel. For so few descriptors and turns, `selectors` takes three times as long.
        self._poll = select.poll()
        self._reactions: dict[int, Callable[[int], None]] = {}
        self._runs: list[NestedRun] = []
        self._signal = signal
        if signal:
            self._poll.register(signal.fileno(), READ)

    def begin(self, run_id: str) -> None:
        """Let others cancel a run that has no process yet."""
        if self._signal:
            self._signal.begin(run_id)

    def settle(self, run_id: str) -> bool:
        """Decide the result of a run: nobody can cancel it any more. Returns whether somebody has."""
        return self._signal is not None and self._signal.settle(run_id)

    def listen(self, descriptor: int, mask: int, react: Callable[[int], None]) -> None:
        """Call `react` with the part of `mask` (`READ`, `WRITE`) that the descriptor is ready for; an error is both.

        For a descriptor that is listened to already, this changes the mask.
        """
        self._reactions[descriptor] = react
        self._poll.register(descriptor, mask)

    def listens_to(self, descriptor: int) -> bool:
        """Whether `ignore` has not been called since `listen`."""
        return descriptor in self._reactions

    def ignore(self, descriptor: int) -> None:
        """Stop listening to a descriptor; must come before it is closed."""
        if self._reactions.pop(descriptor, None):
            self._poll.unregister(descriptor)

    def enter(self, run: NestedRun) -> None:
        """Serve this run from now on, as the innermost one. It may be cancelled already."""
        self._runs.append(run)
        if self._signal and (run_ids := self._signal.cancelled()):
            self._end_cancelled(run_ids)

    def leave(self, run: NestedRun) -> None:
        """Stop serving this run."""
        self._runs.remove(run)

    def turn(self) -> None:
        """Wait until something happens to one of the runs or is due, and deal with it."""
        timeout = min(run.due_at for run in self._runs) - time.monotonic()
        for descriptor, event in self._poll.poll(max(0, math.ceil(timeout * 1_000))):
            # A reaction of this turn may have ignored the descriptor.
            if react := self._reactions.get(descriptor):
                react(event if event in {READ, WRITE} else READ | WRITE)
            # Not a reaction: a method of this object would keep it in memory until the next garbage collection.
            elif self._signal and descriptor == self._signal.fileno():
                self._signal.clear()
                self._end_cancelled(self._signal.cancelled())
        now = time.monotonic()
        around_has_ended = False
        for run in self._runs:
            if around_has_ended:
                run.abandon()
            run.on_time(now)
            around_has_ended = around_has_ended or run.result is not None

    def _end_cancelled(self, run_ids: Set[str]) -> None:
        """End these runs, and at once the runs within them: one that is about to begin must not do so."""
        around_has_ended = False
        for run in self._runs:
            if around_has_ended:
                run.abandon()
            elif run.run_id in run_ids:
                run.cancel()
            around_has_ended = around_has_ended or run.result is not None
