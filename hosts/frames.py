"""Frames: how jobs, calls and answers cross between worker and script process; data and nothing else.

A frame is two sizes (32 bits each, network order), a JSON object of the first size and raw bytes of the second.
"""

import json
import struct

# What a socket is before Python's own class: a script cannot patch it.
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
"""Follows the frame of a job: a host reads it when everything is ready for the script to begin."""

_SMALL_BODY_BYTES = 16 * 1024
# Buffers for one call; the system takes a thousand.
_AT_ONCE = 16


class MalformedFrameError(ValueError):
    """What came in is no frame, or one over its limits."""


@dataclass(frozen=True)
class Frame:
    """One message: a JSON object and raw bytes."""

    header: dict[str, object]
    body: memoryview


def pack(header: Mapping[str, object] | bytes, body: bytes | memoryview = b"") -> list[memoryview]:
    """The buffers to send, in order; a large body is not copied. A small one goes along: its reader wakes once.

    `header` is the object, or its JSON.
    """
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    head = _SIZES.pack(len(text), len(body)) + text
    if len(body) <= _SMALL_BODY_BYTES:
        return [memoryview(b"".join((head, body)))]
    return [memoryview(head), memoryview(body)]


class FrameReader:
    """Puts frames together from a stream, whatever pieces it comes in; every byte is copied once."""

    def __init__(self, max_header: int, max_body: int) -> None:
        self._limits = max_header, max_body
        self._header_size: int | None = None
        self._buffer = bytearray(_SIZES.size)
        self._missing = memoryview(self._buffer)

    def read(self, source: socket) -> Frame | None:
        """Receive once; the frame when that completed one, else None.

        Raises EOFError at the end of the stream, MalformedFrameError, and what the socket raises.
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
        self._header_size = None
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
    """The JSON object in `text`; MalformedFrameError for anything else."""
    try:
        value = json.loads(str(text, "utf-8"))
    except (ValueError, RecursionError) as error:
        raise MalformedFrameError("the JSON cannot be read") from error
    if not isinstance(value, dict):
        raise MalformedFrameError("the JSON is no object")
    return value


class Outbox:
    """Frames on their way out over a socket that does not block."""

    def __init__(self) -> None:
        self._buffers: deque[memoryview] = deque()

    def put(self, buffers: list[memoryview]) -> None:
        """Queue the buffers of a frame."""
        self._buffers.extend(buffers)

    def send_some(self, target: socket) -> bool:
        """Send once, as much as the socket takes; whether nothing is left. Raises what the socket raises."""
        sent = target.sendmsg(list(islice(self._buffers, _AT_ONCE))) if self._buffers else 0
        while sent:
            buffer = self._buffers.popleft()
            if len(buffer) > sent:
                self._buffers.appendleft(buffer[sent:])
            sent -= min(sent, len(buffer))
        return not self._buffers
