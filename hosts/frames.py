"""Frames: how jobs, subscript calls and answers travel between worker and script process, as data only.

A frame is two sizes (32 bits each, network order), a JSON object of the first size and raw bytes of the second.
"""

import json
import struct

# The C class below Python's `socket`: a script cannot patch it.
from _socket import socket
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

_SIZES = struct.Struct("!II")
_EMPTY_OBJECT_BYTES = 2

MAX_HEADER_BYTES = 1024 * 1024
UNLIMITED = 2**32 - 1
LAST_BYTE = b"\n"
"""Follows the frame of a job. A host reads it when everything is ready for the script to begin."""

_SMALL_BODY_BYTES = 16 * 1024
# Buffers per call; the system takes a thousand.
_AT_ONCE = 16


class MalformedFrameError(ValueError):
    """The bytes are not a frame, or one over its limits."""


@dataclass(frozen=True)
class Frame:
    """One message: a JSON object and raw bytes."""

    header: dict[str, object]
    body: memoryview


def pack(header: Mapping[str, object] | bytes, body: bytes | memoryview = b"") -> list[memoryview]:
    """The buffers to send, in order. `header` is the object, or its JSON.

    A large body is not copied. A small one is sent together with the header, so that its reader wakes up only once.
    """
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    head = _SIZES.pack(len(text), len(body)) + text
    if len(body) <= _SMALL_BODY_BYTES:
        return [memoryview(b"".join((head, body)))]
    return [memoryview(head), memoryview(body)]


class FrameReader:
    """Assembles frames from the pieces of a stream; every byte is copied once."""

    _missing: memoryview

    def __init__(self, max_header: int, max_body: int) -> None:
        self._limits = max_header, max_body
        self._await_sizes()

    def read(self, source: socket) -> Frame | None:
        """Receive once; returns the frame if that completed one, else None.

        Raises EOFError at the end of the stream, MalformedFrameError, and whatever the socket raises.
        """
        count = source.recv_into(self._missing)
        if not count:
            raise EOFError
        self._missing = self._missing[count:]
        if self._missing:
            return None
        if self._header_size is None:
            self._await_content()
            return None
        return self._complete(self._header_size)

    def _await_sizes(self) -> None:
        self._header_size: int | None = None
        self._buffer = bytearray(_SIZES.size)
        self._missing = memoryview(self._buffer)

    def _await_content(self) -> None:
        header, body = _SIZES.unpack(self._buffer)
        max_header, max_body = self._limits
        if not _EMPTY_OBJECT_BYTES <= header <= max_header or body > max_body:
            raise MalformedFrameError(f"a frame of {header} and {body} bytes")
        self._header_size = header
        self._buffer = bytearray(header + body)
        self._missing = memoryview(self._buffer)

    def _complete(self, header_size: int) -> Frame:
        content = memoryview(self._buffer).toreadonly()
        self._await_sizes()
        return Frame(parse_object(content[:header_size]), content[header_size:])


def parse_object(text: memoryview) -> dict[str, object]:
    """The JSON object in `text`. Raises MalformedFrameError for anything else."""
    try:
        value = json.loads(str(text, "utf-8"))
    except (ValueError, RecursionError) as error:
        raise MalformedFrameError("the JSON cannot be read") from error
    if not isinstance(value, dict):
        raise MalformedFrameError("the JSON is not an object")
    return value


class Outbox:
    """Frames that wait to be sent over a non-blocking socket."""

    def __init__(self) -> None:
        self._buffers: deque[memoryview] = deque()

    def put(self, buffers: list[memoryview]) -> None:
        self._buffers.extend(buffers)

    def send_some(self, target: socket) -> bool:
        """Send as much as the socket takes at once; returns whether nothing is left. Raises what the socket raises."""
        sent = target.sendmsg(list(islice(self._buffers, _AT_ONCE))) if self._buffers else 0
        while sent:
            buffer = self._buffers.popleft()
            if len(buffer) > sent:
                self._buffers.appendleft(buffer[sent:])
            sent -= min(sent, len(buffer))
        return not self._buffers
