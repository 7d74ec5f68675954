"""Judging how a run ended: from what a script host tells to the outcome that the caller gets."""

from automation import headers
from automation.host.jobs import HostResult, Output
from automation.host.jobs import Outcome as Ending
from automation.outcome import Head, Outcome, Reason

SMALLEST_CODE, LARGEST_CODE = 200, 599

_REASONS = {
    Ending.NOTHING_VALID_RETURNED: Reason.INVALID_RESULT,
    Ending.TOO_LARGE: Reason.BODY_TOO_LARGE,
}


def judge(result: HostResult, node: int) -> Outcome:
    """The outcome of a run on the node `node`; every ending that is no answer has a reason."""
    if result.outcome is Ending.RETURNED and result.output is not None:
        outcome = _answer(result.output, node)
    elif result.outcome is Ending.SUCCEEDED:
        outcome = Outcome(Head(node))
    else:
        message = "\n".join(part for part in (result.message, result.traceback) if part)
        outcome = failure(_REASONS.get(result.outcome, Reason.ACTION_ERROR), message, node)
    outcome.head.run_milliseconds = result.run_milliseconds
    return outcome


def failure(reason: Reason, message: str, node: int) -> Outcome:
    """An outcome without an answer."""
    return Outcome(Head(node, reason=reason, message=message))


def _answer(output: Output, node: int) -> Outcome:
    if not SMALLEST_CODE <= output.code <= LARGEST_CODE:
        return failure(Reason.UNKNOWN_STATUS_CODE, f"The script answered with the code {output.code}.", node)
    if (name := headers.malformed(output.headers)) is not None:
        return failure(Reason.HEADERS_INVALID, f"The header {name!r} is malformed.", node)
    if (name := headers.blocked(output.headers)) is not None:
        return failure(Reason.HEADERS_NOT_ALLOWED, f"The header {name!r} is the server's.", node)
    head = Head(node, code=output.code, headers=output.headers, is_text=output.is_text)
    return Outcome(head, output.body)
