"""What a script's process tells the worker: its frames, which may hold anything, and its exit status."""

import signal
from dataclasses import dataclass

from hosts.frames import Frame, MalformedFrameError, parse_object
from hosts.jobs import EXIT_NO_ROOM, HostResult, Outcome, Output

# What a frame may claim. Not COULD_NOT_START, after which another node would run the job.
_FROM_SCRIPT = {
    Outcome.NOTHING_VALID_RETURNED,
    Outcome.SUCCEEDED,
    Outcome.FAILED,
    Outcome.TOO_LARGE,
    Outcome.UNREADABLE,
    Outcome.EXPIRED,
}


@dataclass(frozen=True)
class SubscriptCall:
    """A script's call of a subscript."""

    name: str
    parameters: dict[str, str]
    wait: bool


def read_message(frame: Frame) -> HostResult | SubscriptCall:
    """The message in a frame. Raises MalformedFrameError for anything that the SDK never sends."""
    match frame.header:
        case {"type": "subscript", "name": str(name), "wait": bool(wait)}:
            return SubscriptCall(name, _texts(parse_object(frame.body)), wait)
        case {"type": "answer", "outcome": Outcome.RETURNED.value, "reusable": bool(reusable)}:
            return HostResult(Outcome.RETURNED, output=_output(frame), reusable=reusable)
        case {
            "type": "answer",
            "outcome": str(outcome),
            "message": str(message),
            "traceback": str(traceback),
            "reusable": bool(reusable),
        }:
            if outcome in _FROM_SCRIPT:
                return HostResult(Outcome(outcome), message, traceback, reusable=reusable)
    raise MalformedFrameError("not a message of the SDK")


def died(status: int) -> HostResult:
    """The result of a run whose process ended without an answer; `status` is negative for a signal."""
    if status == EXIT_NO_ROOM:
        return HostResult(Outcome.DIED, "The job does not fit into the script's memory limit.")
    return HostResult(Outcome.DIED, f"The script's process ended with {_describe(status)}.")


def _output(frame: Frame) -> Output:
    match frame.header:
        case {"code": int(code), "headers": dict(headers), "isText": bool(is_text)} if not isinstance(code, bool):
            output = Output(code, _header_lists(headers), bytes(frame.body), is_text)
        case _:
            raise MalformedFrameError("not an output of the SDK")
    if is_text:
        try:
            output.body.decode()
        except UnicodeDecodeError as error:
            raise MalformedFrameError("text that is not UTF-8") from error
    return output


def _header_lists(headers: dict[object, object]) -> dict[str, list[str]]:
    for values in headers.values():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise MalformedFrameError("headers that are not lists of text")
    return headers  # type: ignore[return-value]  # the keys of a JSON object are text


def _texts(values: dict[str, object]) -> dict[str, str]:
    if not all(isinstance(value, str) for value in values.values()):
        raise MalformedFrameError("parameters that are not text")
    return values  # type: ignore[return-value]  # checked above


def _describe(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"
