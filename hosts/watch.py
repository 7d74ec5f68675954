"""Runs that wait for one another in one thread are served together."""

import math
import select
import time
from collections.abc import Callable
from typing import Protocol

READ, WRITE = select.POLLIN, select.POLLOUT


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
        # For a handful of descriptors and a few looks: nothing is made in the kernel. `selectors` takes three times as
        # long for the same.
        self._poll = select.poll()
        self._reactions: dict[int, Callable[[int], None]] = {}
        self._runs: list[Watched] = []

    def listen(self, descriptor: int, mask: int, react: Callable[[int], None]) -> None:
        """Call `react` with the part of `mask` (`READ`, `WRITE`) that the descriptor is ready for; an error is both.

        A descriptor that is listened to already gets a new mask.
        """
        self._reactions[descriptor] = react
        self._poll.register(descriptor, mask)

    def listens_to(self, descriptor: int) -> bool:
        """Whether `ignore` has not been called since `listen`."""
        return descriptor in self._reactions

    def ignore(self, descriptor: int) -> None:
        """Listen to a descriptor no longer, before it is closed."""
        if self._reactions.pop(descriptor, None):
            self._poll.unregister(descriptor)

    def enter(self, run: Watched) -> None:
        """Serve this run from now on, as the innermost one."""
        self._runs.append(run)

    def leave(self, run: Watched) -> None:
        """Serve this run no longer."""
        self._runs.remove(run)

    def turn(self) -> None:
        """Wait until something happens to one of the runs or is due, and deal with it."""
        timeout = min(run.due_at() for run in self._runs) - time.monotonic()
        for descriptor, event in self._poll.poll(max(0, math.ceil(timeout * 1_000))):
            # One of the others may have had it ignored just now.
            if react := self._reactions.get(descriptor):
                react(event if event in {READ, WRITE} else READ | WRITE)
        now = time.monotonic()
        around_has_ended = False
        for run in self._runs:
            if around_has_ended:
                run.abandon()
            run.look_at_clock(now)
            around_has_ended = around_has_ended or run.ended
