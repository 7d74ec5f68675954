"""The answer of a worker node: a response, or the reason why there is none. It follows from the result of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from automation import headers
from hosts.jobs import HostResult, Outcome, Output

SMALLEST_CODE, SMALLEST_ERROR_CODE, LARGEST_CODE = 200, 400, 599


class Reason(StrEnum):
    """Why there is no response. All but `NEVER_STARTED` are also reasons of the trigger message."""

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
    CANCELLED = "RunCancelled"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller waits for.

    `reason` is None on success; that of a node of another release may not be in `Reason`. `message` is for maintainers;
    on success, it is the text of an ApiError that the script has raised.
    `log` is empty unless the job wants it. `is_recorded`: the node leaves the record of the run.
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
    log: str = field(default="", repr=False)
    is_recorded: bool = False


def failure(reason: Reason, message: str, node: int, waited: float = 0.0, ran: float = 0.0) -> Answer:
    """An answer without a response, after `waited` milliseconds in the queue and `ran` in the script.

    Lone surrogates in `message`, which no frame can hold, are replaced.
    """
    readable = message.encode("utf-8", "replace").decode()
    return Answer(node, reason=reason, message=readable, queue_milliseconds=waited, run_milliseconds=ran)


_REASONS = {
    Outcome.NOTHING_VALID_RETURNED: Reason.INVALID_RESULT,
    Outcome.TOO_LARGE: Reason.BODY_TOO_LARGE,
    Outcome.EXPIRED: Reason.NEVER_STARTED,
    Outcome.COULD_NOT_START: Reason.NEVER_STARTED,
    Outcome.CANCELLED: Reason.CANCELLED,
}


def answer_of(result: HostResult, node: int, waited: float = 0.0) -> Answer:
    """The answer of a run on the node `node`, whose job waited so many milliseconds in the queue."""
    ran = result.run_milliseconds
    if result.outcome is Outcome.RETURNED and result.output is not None:
        if fault := _fault(result.output):
            return failure(*fault, node, waited, ran)
        return _response(result.output, node, waited, ran)
    if result.outcome is Outcome.SUCCEEDED:
        return Answer(node, queue_milliseconds=waited, run_milliseconds=ran)
    message = "\n".join(part for part in (result.message, result.traceback) if part)
    return failure(_REASONS.get(result.outcome, Reason.ACTION_ERROR), message, node, waited, ran)


def _fault(output: Output) -> tuple[Reason, str] | None:
    """Why this output is not a valid response; None if it is."""
    smallest = SMALLEST_CODE if output.error is None else SMALLEST_ERROR_CODE
    if not smallest <= output.code <= LARGEST_CODE:
        return Reason.UNKNOWN_STATUS_CODE, f"The script answered with the code {output.code}."
    if (name := headers.malformed(output.headers)) is not None:
        return Reason.HEADERS_INVALID, f"The header {name!r} is malformed."
    if (name := headers.blocked(output.headers)) is not None:
        return Reason.HEADERS_NOT_ALLOWED, f"The header {name!r} is the server's."
    return None


def _response(output: Output, node: int, waited: float, ran: float) -> Answer:
    return Answer(
        node,
        message=output.error or "",
        code=output.code,
        headers=output.headers,
        is_text=output.is_text,
        queue_milliseconds=waited,
        run_milliseconds=ran,
        body=output.body,
    )
