"""What a run prints, as lines: bounded in length and in number."""

import os

from foundation.value_masks import ValueMasks
from hosts.jobs import OnLine
from hosts.run_loop import READ, RunLoop

MAX_LINE_BYTES = 8 * 1024
MAX_OUTPUT_BYTES = 1024 * 1024
DROPPED_NOTE = "[the script printed more than 1 MB; the rest is dropped]"

_CHUNK_BYTES = 64 * 1024
# A pipe holds 64 KB unless the script has made it larger, and a process may still be writing.
_DRAIN_READS = 64


class MaskedStream:
    """Masks a byte stream, also values that come in several pieces: their beginning is held back."""

    def __init__(self, masks: ValueMasks) -> None:
        self._masks = masks
        self._held = b""

    def masked(self, chunk: bytes) -> bytes:
        """What the next bytes of the stream add to the masked one."""
        data = self._held + chunk
        settled = self._masks.settled(data)
        self._held = data[settled:]
        return self._masks.data(data[:settled])

    def rest(self) -> bytes:
        """What is held back at the end of the stream. A killed script may have printed only a part of a value."""
        held, self._held = self._held, b""
        return self._masks.data(held, is_cut=True)

    def drop(self) -> None:
        """Forget what is held back."""
        self._held = b""


class LineFeed:
    """Cuts a byte stream into lines and hands them on, masked. What comes after the first megabyte is dropped."""

    def __init__(self, on_line: OnLine, masks: ValueMasks | None = None) -> None:
        self._on_line = on_line
        self._masks = ValueMasks() if masks is None else masks
        self._stream = MaskedStream(self._masks)
        self._left = MAX_OUTPUT_BYTES
        self._pending = b""
        self._noted = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the stream."""
        if self._noted:
            return
        kept, self._left = chunk[: self._left], self._left - len(chunk)
        self._split(self._stream.masked(kept) if self._masks else kept)
        if self._left < 0:
            # It may be the first part of a value, whose end is dropped.
            self._stream.drop()
            self.close()
            self._noted = True
            self._on_line(DROPPED_NOTE)

    def close(self) -> None:
        """Hand on a last line without a line break."""
        self._split(self._stream.rest())
        if self._pending:
            self._emit(self._pending)
            self._pending = b""

    def _split(self, masked: bytes) -> None:
        *lines, self._pending = (self._pending + masked).split(b"\n")
        for line in lines:
            self._emit(line)
        self._pending = self._emit_start(self._pending)

    def _emit(self, line: bytes) -> None:
        self._on_line(self._emit_start(line).decode("utf-8", "replace").rstrip("\r"))

    def _emit_start(self, line: bytes) -> bytes:
        """Hand on pieces of a line that is too long, without cutting a character in two; returns the rest."""
        while len(line) > MAX_LINE_BYTES:
            cut = MAX_LINE_BYTES
            while cut > MAX_LINE_BYTES - 4 and line[cut] & 0xC0 == 0x80:
                cut -= 1
            self._on_line(line[:cut].decode("utf-8", "replace"))
            line = line[cut:]
        return line


class OutputPipe:
    """The pipe that a run prints to; reading it does not block."""

    def __init__(self, descriptor: int, on_line: OnLine, loop: RunLoop, masks: ValueMasks | None = None) -> None:
        self._descriptor, self._loop = descriptor, loop
        self._lines = LineFeed(on_line, masks)

    def listen(self) -> None:
        """Hand lines on as they come, until `ignore`."""
        self._loop.listen(self._descriptor, READ, self._on_ready)

    def ignore(self) -> None:
        """Stop listening."""
        self._loop.ignore(self._descriptor)

    def drain(self) -> bool:
        """Read what was printed before the end; returns False if a process goes on writing, which is cut off."""
        for _ in range(_DRAIN_READS):
            if not (chunk := self._read()):
                break
        self._lines.close()
        return chunk is None

    def _on_ready(self, _mask: int) -> None:
        if self._read() == b"":
            self.ignore()

    def _read(self) -> bytes | None:
        """Read once; returns what was read, empty at the end of the stream, None if there is nothing yet."""
        try:
            chunk = os.read(self._descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return None
        self._lines.feed(chunk)
        return chunk
