"""What a run prints, as lines: bounded in length and in number."""

from automation.host.jobs import OnLine

MAX_LINE_BYTES = 8 * 1024
MAX_OUTPUT_BYTES = 1024 * 1024
DROPPED_NOTE = "[the script printed more than 1 MB; the rest is dropped]"


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
