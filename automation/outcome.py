"""What became of a job, as data: the frame that travels from the worker node back to the caller.

A frame is the length of its head (4 bytes, big-endian), the head as JSON, and the response body as it is.
"""

import json
import struct
from dataclasses import dataclass, field
from enum import StrEnum

_LENGTH = struct.Struct(">I")


class Reason(StrEnum):
    """What a worker node reports; the names are those of the trigger message."""

    UNEXPECTED = "UnexpectedException"
    ACTION_ERROR = "AutomationActionError"
    INVALID_RESULT = "InvalidAutomationActionResult"
    NO_SCRIPT = "GetScriptInfoFailed"
    BODY_TOO_LARGE = "ResponseBodyTooLarge"
    UNKNOWN_STATUS_CODE = "UnknownStatusCode"
    HEADERS_NOT_ALLOWED = "ResponseHeadersNotAllowed"
    HEADERS_INVALID = "ResponseHeadersInvalid"
    CALLER_TIMED_OUT = "NatsRequestFailed"


@dataclass(slots=True)
class Head:
    """All of an outcome but the body. `reason` is None on success; `message` is for the maintainer."""

    node: int
    reason: str | None = None
    message: str = ""
    parameters: list[str] = field(default_factory=list)
    code: int = 200
    headers: dict[str, list[str]] = field(default_factory=dict)
    is_text: bool = True
    queue_milliseconds: float = 0.0
    run_milliseconds: float = 0.0


@dataclass(slots=True)
class Outcome:
    """A response, or the reason why there is none."""

    head: Head
    body: bytes = b""

    def encode(self) -> bytes:
        """The frame of this outcome."""
        head = json.dumps({name: getattr(self.head, name) for name in Head.__slots__}).encode()
        return b"".join((_LENGTH.pack(len(head)), head, self.body))

    @classmethod
    def decode(cls, frame: bytes) -> "Outcome":
        """The outcome in `frame`.

        Raises:
            ValueError, TypeError, struct.error: it is no frame of ours.
        """
        start = _LENGTH.size
        (length,) = _LENGTH.unpack_from(frame)
        return cls(Head(**json.loads(frame[start : start + length])), frame[start + length :])
