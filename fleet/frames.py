"""Frames: jobs and answers as they travel through Redis, in a format that has a number.

A frame is the number of its format (2 bytes, big-endian) and the job or answer as MessagePack.
"""

import struct
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from fleet.answer import Answer
from hosts.jobs import Job

FORMAT = 1

_NUMBER = struct.Struct(">H")
_ENCODER = msgspec.msgpack.Encoder()
_DECODERS: Mapping[type, Any] = {kind: msgspec.msgpack.Decoder(kind) for kind in (Job, Answer)}

Framed = TypeVar("Framed", Job, Answer)


class FrameError(ValueError):
    """Bytes that are no frame of the expected kind, or content that no frame can hold."""


def encode(content: Job | Answer) -> bytes:
    """The frame of a job or an answer.

    Raises:
        FrameError: a text holds a lone surrogate, which UTF-8 cannot express.
    """
    try:
        return _NUMBER.pack(FORMAT) + _ENCODER.encode(content)
    except UnicodeEncodeError as error:
        raise FrameError(f"a text is no valid Unicode: {error.reason}") from error


def decode(frame: bytes, kind: type[Framed]) -> Framed:
    """The job or the answer in a frame.

    Raises:
        FrameError: the frame has another format, or is none.
    """
    if len(frame) < _NUMBER.size:
        raise FrameError(f"{len(frame)} bytes are no frame")
    (number,) = _NUMBER.unpack_from(frame)
    if number != FORMAT:
        raise FrameError(f"the frame has format {number}, and this release reads format {FORMAT}")
    try:
        content: Framed = _DECODERS[kind].decode(memoryview(frame)[_NUMBER.size :])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise FrameError(f"the frame cannot be read: {error}") from error
    return content
