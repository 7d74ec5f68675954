"""The signal with which other threads cancel the runs that a worker thread serves."""

import os
import threading
from collections.abc import Set
from contextlib import suppress
from types import TracebackType


class CancelSignal:
    """Cancels runs of the thread that has made it; safe for threads. Runs are named by `Assignment.run_id`.

    The thread gives it to each `RunLoop` of its runs and closes it after the last one. Making and closing it costs 5 to
    10 µs, so it is worth keeping. A run is live from the call of `ScriptHosts.run` until its result is decided. Either
    the run is cancelled before, or `cancel` returns False.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._live: set[str] = set()
        self._cancelled: set[str] = set()

    def __enter__(self) -> "CancelSignal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def cancel(self, run_id: str) -> bool:
        """End a live run with `Outcome.CANCELLED`. Returns False if it has not begun here, or is over."""
        with self._lock:
            if run_id not in self._live or self._descriptor < 0:
                return False
            self._cancelled.add(run_id)
            os.eventfd_write(self._descriptor, 1)
            return True

    def close(self) -> None:
        """From now on, nothing can be cancelled; its loop must not be used any more."""
        with self._lock:
            self._live.clear()
            descriptor, self._descriptor = self._descriptor, -1
            if descriptor >= 0:
                os.close(descriptor)

    # --- For the thread that serves the runs ---

    def fileno(self) -> int:
        """What becomes readable when a run is cancelled."""
        return self._descriptor

    def begin(self, run_id: str) -> None:
        """The run can be cancelled from now on, unless its id is empty."""
        if run_id:
            self._live.add(run_id)

    def settle(self, run_id: str) -> bool:
        """The run cannot be cancelled any more; returns whether it has been."""
        with self._lock:
            self._live.discard(run_id)
            if run_id not in self._cancelled:
                return False
            self._cancelled.remove(run_id)
            return True

    def clear(self) -> None:
        """Wait for the next cancellation: `fileno` is not readable any more. Comes before a look at `cancelled`."""
        with self._lock, suppress(BlockingIOError):
            if self._descriptor >= 0:
                os.eventfd_read(self._descriptor)

    def cancelled(self) -> Set[str]:
        """The runs that are cancelled and not settled yet."""
        # Most often none. One that is added after this look makes `fileno` readable.
        if not self._cancelled:
            return frozenset()
        with self._lock:
            return self._cancelled.copy()
