"""Judging how a run ended: from what a script host tells to the answer that the caller gets."""

from automation import headers
from fleet.answer import Answer, Reason, failure
from hosts.jobs import HostResult, Outcome, Output

SMALLEST_CODE, LARGEST_CODE = 200, 599

_REASONS = {
    Outcome.NOTHING_VALID_RETURNED: Reason.INVALID_RESULT,
    Outcome.TOO_LARGE: Reason.BODY_TOO_LARGE,
    Outcome.EXPIRED: Reason.NEVER_STARTED,
    Outcome.COULD_NOT_START: Reason.NEVER_STARTED,
}


def judge(result: HostResult, node: int, waited: float = 0.0) -> Answer:
    """The answer of a run on the node `node`, which waited so many milliseconds in the queue.

    Every ending without a response has a reason.
    """
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
    """Why this output is no response."""
    if not SMALLEST_CODE <= output.code <= LARGEST_CODE:
        return Reason.UNKNOWN_STATUS_CODE, f"The script answered with the code {output.code}."
    if (name := headers.malformed(output.headers)) is not None:
        return Reason.HEADERS_INVALID, f"The header {name!r} is malformed."
    if (name := headers.blocked(output.headers)) is not None:
        return Reason.HEADERS_NOT_ALLOWED, f"The header {name!r} is the server's."
    return None


def _response(output: Output, node: int, waited: float, ran: float) -> Answer:
    return Answer(
        node,
        code=output.code,
        headers=output.headers,
        is_text=output.is_text,
        queue_milliseconds=waited,
        run_milliseconds=ran,
        body=output.body,
    )
