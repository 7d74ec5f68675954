"""One look for many askers: a thread looks, at most once a second, and everybody gets what it found."""

import threading
import time
from collections.abc import Callable
from typing import Final

FRESH_SECONDS: Final = 1.0
"""How long a finding is handed out before the next look begins."""
PATIENCE_SECONDS: Final = 1.0
"""A look that takes longer has failed, whatever it finds later."""


class SharedLook:
    """The fault that `look` finds; empty if there is none. One thread looks, and only while somebody asks.

    A look that hangs keeps this one thread, and no other is started meanwhile.
    """

    def __init__(self, what: str, look: Callable[[], str]) -> None:
        self._what, self._look = what, look
        self._changed = threading.Condition()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._begun_at: float | None = None
        self._found_at, self._found = float("-inf"), f"nobody has looked at {what} yet"

    def begin(self) -> None:
        """Begin a look, unless one goes on or the last finding is fresh."""
        with self._changed:
            lives = self._thread is not None and self._thread.is_alive()
            if self._is_fresh() or (lives and self._begun_at is not None):
                return
            self._begun_at = time.monotonic()
            self._wanted.set()
            if not lives:
                self._start()

    def fault(self, *, may_wait: bool) -> str:
        """The fault, as of a second ago at most if you `may_wait` for the look; otherwise as it is known."""
        with self._changed:
            if may_wait:
                self._changed.wait_for(lambda: self._begun_at is None, max(0.0, self._patience()))
            if self._patience() <= 0:
                return f"{self._what} does not answer within {PATIENCE_SECONDS:g} s"
            return self._found

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._found_at < FRESH_SECONDS

    def _patience(self) -> float:
        """How many seconds the present look may still take."""
        begun_at = self._begun_at
        return PATIENCE_SECONDS if begun_at is None else begun_at + PATIENCE_SECONDS - time.monotonic()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._look_on, name=f"look at {self._what}", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._note(f"{self._what} cannot be looked at: {error}")

    def _look_on(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            fault = f"{self._what} cannot be looked at"
            try:
                fault = self._look()
            finally:
                # If it raised, this thread ends, and the next asker starts another one.
                with self._changed:
                    self._note(fault)

    def _note(self, fault: str) -> None:
        self._begun_at, self._found_at, self._found = None, time.monotonic(), fault
        self._changed.notify_all()
