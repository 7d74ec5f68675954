"""Frames: jobs and answers as they travel through Redis, in a numbered format.

A frame is the number of its format (2 bytes, big-endian) and the job or answer as MessagePack. The number also covers
the other keys of a job: its ticket, its claim and its reply. A field with a default can be added without a new number;
a change that an earlier release would misunderstand needs one. A release reads and writes its own format and that of
the release before, so that both can work together while a fleet is upgraded.
"""

import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

import msgspec

from fleet.answer import Answer
from hosts.jobs import Job

READABLE: Final = (2, 1)
"""The formats of this release, the newest first."""

WITHOUT_VERSIONS: Final = 1
"""In this format, `Job.script_version` is not the number of a version: a node runs the current one."""

_NUMBER = struct.Struct(">H")
_ENCODER = msgspec.msgpack.Encoder()
_DECODERS: Mapping[type, Any] = {kind: msgspec.msgpack.Decoder(kind) for kind in (Job, Answer)}

Framed = TypeVar("Framed", Job, Answer)


class FrameError(ValueError):
    """The bytes are not a frame of the expected kind, or no frame can hold the content."""


def listed(formats: Sequence[int]) -> str:
    """The formats as the Lua scripts search them: each between two spaces."""
    return f" {' '.join(map(str, formats))} "


def release(version: str, formats: Sequence[int]) -> str:
    """A release in words: `release 1.2.0 (formats 3, 4)`."""
    return f"release {version} ({_named(formats)})"


def _named(formats: Sequence[int]) -> str:
    return f"format{'s' if len(formats) > 1 else ''} {', '.join(map(str, sorted(formats)))}"


def number(frame: bytes) -> int:
    """The format of a frame.

    Raises:
        FrameError: the bytes are not a frame.
    """
    if len(frame) < _NUMBER.size:
        raise FrameError(f"{len(frame)} bytes are not a frame")
    (found,) = _NUMBER.unpack_from(frame)
    return int(found)


def encode(content: Job | Answer, in_format: int = READABLE[0]) -> bytes:
    """The frame of a job or an answer.

    Raises:
        FrameError: a text holds a lone surrogate, which UTF-8 cannot express, or the format has no room for unsaved
            source.
    """
    if in_format == WITHOUT_VERSIONS and isinstance(content, Job):
        if content.trial is not None:
            raise FrameError("a node of the release before would run the saved source")
        # A node of the release before keeps what it has read under this number, and must read the script again.
        content = replace(content, script_version=time.time_ns())
    try:
        return _NUMBER.pack(in_format) + _ENCODER.encode(content)
    except UnicodeEncodeError as error:
        raise FrameError(f"a text is not valid Unicode: {error.reason}") from error


def decode(frame: bytes, kind: type[Framed]) -> Framed:
    """The job or the answer in a frame.

    Raises:
        FrameError: the frame has another format, or cannot be read.
    """
    if (found := number(frame)) not in READABLE:
        raise FrameError(f"the frame has format {found}, and this release reads {_named(READABLE)}")
    try:
        content: Framed = _DECODERS[kind].decode(memoryview(frame)[_NUMBER.size :])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise FrameError(f"the frame cannot be read: {error}") from error
    if found == WITHOUT_VERSIONS and isinstance(content, Job):
        return replace(content, script_version=0)
    return content
