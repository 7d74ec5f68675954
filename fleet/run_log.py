"""What a run logs: line by line with its time, up to a limit."""

import threading
import time

from fleet.records import LARGEST_LOG_BYTES


class LiveLog:
    """The first 64 KB that a run logs. Lines are added in one thread and read in others.

    Each line is the milliseconds since the start, a tab, and the text.
    """

    def __init__(self) -> None:
        self._begun_at = time.monotonic()
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._bytes = 0
        self.is_truncated = False

    def add(self, text: str) -> None:
        line = f"{(time.monotonic() - self._begun_at) * 1_000:.0f}\t{text}"
        size = len(line.encode("utf-8", "replace")) + 1
        if self.is_truncated or self._bytes + size > LARGEST_LOG_BYTES:
            self.is_truncated = True
            return
        with self._lock:
            self._lines.append(line.encode("utf-8", "replace").decode())
            self._bytes += size

    def lines(self, start: int = 0) -> list[str]:
        """The lines from number `start` on."""
        with self._lock:
            return self._lines[start:]

    def text(self) -> str:
        """All lines, each with its line break."""
        return "".join(f"{line}\n" for line in self.lines())
