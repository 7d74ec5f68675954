"""Runs that wait for one another in one thread are served together."""

import selectors
import time
from typing import Protocol


class Watched(Protocol):
    """A run as its watch sees it."""

    @property
    def ended(self) -> bool:
        """Whether its result is decided."""

    def due_at(self) -> float:
        """When `look_at_clock` is to be called at the latest, on the monotonic clock."""

    def look_at_clock(self, now: float) -> None:
        """End the run if its time is over."""

    def abandon(self) -> None:
        """End the run since nobody waits for it any more."""


class Watch:
    """The runs nested in one another in one worker thread, the outermost first.

    While a subscript is waited for, its thread serves the runs around it as well: their output is drained, they are
    ended at their own deadlines, and when one of them has ended, those within it end too. To a caller it is a token:
    what `on_subscript` gets is passed on to `ScriptHosts.run`, in the same thread.
    """

    def __init__(self) -> None:
        # For a handful of descriptors and a few looks: nothing is made in the kernel.
        self.selector = selectors.PollSelector()
        self._runs: list[Watched] = []

    def enter(self, run: Watched) -> None:
        """Serve this run from now on, as the innermost one."""
        self._runs.append(run)

    def leave(self, run: Watched) -> None:
        """Serve this run no longer."""
        self._runs.remove(run)

    def close(self) -> None:
        """The outermost run is over."""
        self.selector.close()

    def turn(self) -> None:
        """Wait until something happens to one of the runs or is due, and deal with it."""
        timeout = min(run.due_at() for run in self._runs) - time.monotonic()
        for key, mask in self.selector.select(max(0.0, timeout)):
            key.data(mask)
        now = time.monotonic()
        around_has_ended = False
        for run in self._runs:
            if around_has_ended:
                run.abandon()
            run.look_at_clock(now)
            around_has_ended = around_has_ended or run.ended
