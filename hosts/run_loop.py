"""The event loop of a worker thread, which serves the runs that are nested in one another."""

import math
import select
import time
from collections.abc import Callable
from typing import Protocol

from hosts.jobs import HostResult

READ, WRITE = select.POLLIN, select.POLLOUT


class NestedRun(Protocol):
    """A run as its loop sees it. Times are on the monotonic clock."""

    due_at: float
    """When `on_time` has to be called at the latest."""
    result: HostResult | None
    """Set when it is decided; the process may still be about to end."""

    def on_time(self, now: float) -> None:
        """Do what is due by now."""

    def abandon(self) -> None:
        """End the run, because the one that waits for it has ended."""


class RunLoop:
    """Serves the runs that are nested in one another in one worker thread, the outermost first.

    While a script waits for a subscript, its thread also serves the runs around the subscript: it drains their output
    and ends them at their own deadlines. When one of them has ended, the runs within it end, too. `on_subscript` gets
    the loop and passes it on to `ScriptHosts.run`, in the same thread.
    """

    def __init__(self) -> None:
        # `poll` creates nothing in the kernel. For so few descriptors and turns, `selectors` takes three times as long.
        self._poll = select.poll()
        self._reactions: dict[int, Callable[[int], None]] = {}
        self._runs: list[NestedRun] = []

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
        """Serve this run from now on, as the innermost one."""
        self._runs.append(run)

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
        now = time.monotonic()
        around_has_ended = False
        for run in self._runs:
            if around_has_ended:
                run.abandon()
            run.on_time(now)
            around_has_ended = around_has_ended or run.result is not None
