"""The answer of a worker node: a response, or the reason why there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Reason(StrEnum):
    """Why there is no response. All names but `NEVER_STARTED` are reasons of the trigger message."""

    UNEXPECTED = "UnexpectedException"
    ACTION_ERROR = "AutomationActionError"
    INVALID_RESULT = "InvalidAutomationActionResult"
    NO_SCRIPT = "GetScriptInfoFailed"
    BODY_TOO_LARGE = "ResponseBodyTooLarge"
    UNKNOWN_STATUS_CODE = "UnknownStatusCode"
    HEADERS_NOT_ALLOWED = "ResponseHeadersNotAllowed"
    HEADERS_INVALID = "ResponseHeadersInvalid"
    CALLER_TIMED_OUT = "NatsRequestFailed"
    NEVER_STARTED = "NeverStarted"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller waits for.

    `reason` is None on success; a node of another release may name one that is not in `Reason`. `message` is for the
    maintainer.
    """

    node: int
    reason: str | None = None
    message: str = ""
    parameters: Sequence[str] = ()
    code: int = 200
    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_text: bool = True
    queue_milliseconds: float = 0.0
    run_milliseconds: float = 0.0
    body: bytes = field(default=b"", repr=False)


def failure(reason: Reason, message: str, node: int, waited: float = 0.0, ran: float = 0.0) -> Answer:
    """An answer without a response, after so many milliseconds in the queue and in the script.

    Lone surrogates in `message`, which no frame can hold, are replaced.
    """
    readable = message.encode("utf-8", "replace").decode()
    return Answer(node, reason=reason, message=readable, queue_milliseconds=waited, run_milliseconds=ran)
