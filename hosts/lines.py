"""What a run prints, as lines: bounded in length and in number."""

import os

from hosts.jobs import OnLine

MAX_LINE_BYTES = 8 * 1024
MAX_OUTPUT_BYTES = 1024 * 1024
DROPPED_NOTE = "[the script printed more than 1 MB; the rest is dropped]"

_CHUNK_BYTES = 64 * 1024
_DRAIN_READS = 64  # a pipe holds 64 KB unless the script made it larger; and somebody may still be writing


class LineFeed:
    """Cuts a byte stream into lines and hands them on. Whatever comes after the first megabyte is dropped."""

    def __init__(self, on_line: OnLine) -> None:
        self._on_line = on_line
        self._left = MAX_OUTPUT_BYTES
        self._pending = b""
        self._noted = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the stream."""
        if self._noted:
            return
        kept, self._left = chunk[: self._left], self._left - len(chunk)
        *lines, self._pending = (self._pending + kept).split(b"\n")
        for line in lines:
            self._emit_all(line)
        while len(self._pending) > MAX_LINE_BYTES:
            self._pending = self._emit_part(self._pending)
        if self._left < 0:
            self.close()
            self._noted = True
            self._on_line(DROPPED_NOTE)

    def close(self) -> None:
        """The stream has ended: hand on a last line without a line break."""
        if self._pending:
            self._emit_all(self._pending)
            self._pending = b""

    def _emit_all(self, line: bytes) -> None:
        while len(line) > MAX_LINE_BYTES:
            line = self._emit_part(line)
        self._on_line(line.decode("utf-8", "replace").rstrip("\r"))

    def _emit_part(self, line: bytes) -> bytes:
        """Hand on what fits into a line without cutting a character in two; the rest."""
        cut = MAX_LINE_BYTES
        while cut > MAX_LINE_BYTES - 4 and line[cut] & 0xC0 == 0x80:
            cut -= 1
        self._on_line(line[:cut].decode("utf-8", "replace"))
        return line[cut:]


class OutputPipe:
    """The pipe that a run prints to; reading it does not block."""

    def __init__(self, descriptor: int, lines: LineFeed) -> None:
        self._descriptor, self._lines = descriptor, lines

    def read(self) -> bool:
        """Read once; whether there may be more one day."""
        try:
            chunk = os.read(self._descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return True
        self._lines.feed(chunk)
        return bool(chunk)

    def drain(self) -> bool:
        """Read what was printed before the end; whether that was all. Who goes on writing must not keep us here."""
        is_dry = False
        for _ in range(_DRAIN_READS):
            try:
                chunk = os.read(self._descriptor, _CHUNK_BYTES)
            except BlockingIOError:
                is_dry = True
                break
            if not chunk:
                break
            self._lines.feed(chunk)
        self._lines.close()
        return is_dry
