"""What a script's process tells the worker: its frames, which may hold anything, and its exit status."""

import signal
from dataclasses import dataclass

from hosts.frames import Frame, MalformedFrameError, parse_object
from hosts.jobs import EXIT_NO_ROOM, HostResult, Outcome, Output
from hosts.leftovers import Leftover

# What a frame may claim. Not COULD_NOT_START, after which another node would run the job.
_FROM_SCRIPT = {
    Outcome.NOTHING_VALID_RETURNED,
    Outcome.SUCCEEDED,
    Outcome.FAILED,
    Outcome.TOO_LARGE,
    Outcome.UNREADABLE,
    Outcome.EXPIRED,
}
_LEFTOVERS = frozenset(Leftover)


@dataclass(frozen=True)
class SubscriptCall:
    """A script's call of a subscript."""

    name: str
    parameters: dict[str, str]
    wait: bool


@dataclass(frozen=True)
class Said:
    """The text of an information event."""

    message: str


def read_message(frame: Frame) -> HostResult | SubscriptCall | Said:
    """The message in a frame. Raises MalformedFrameError for anything that the SDK never sends."""
    match frame.header:
        case {"type": "subscript", "name": str(name), "wait": bool(wait)}:
            return SubscriptCall(name, _texts(parse_object(frame.body)), wait)
        case {"type": "information", "message": str(message)}:
            return Said(message)
        case {"type": "answer", "outcome": Outcome.RETURNED.value, "leftover": str(leftover)} if leftover in _LEFTOVERS:
            used = _names(frame.header.get("credentialsUsed", []))
            return HostResult(Outcome.RETURNED, output=_output(frame), not_kept_warm=leftover, credentials_used=used)
        case {
            "type": "answer",
            "outcome": str(outcome),
            "message": str(message),
            "traceback": str(traceback),
            "leftover": str(leftover),
        }:
            if outcome in _FROM_SCRIPT and leftover in _LEFTOVERS:
                return HostResult(
                    Outcome(outcome),
                    message,
                    traceback,
                    not_kept_warm=leftover,
                    returned=bytes(frame.body),
                    credentials_used=_names(frame.header.get("credentialsUsed", [])),
                )
    raise MalformedFrameError("not a message of the SDK")


def died(status: int) -> HostResult:
    """The result of a run whose process ended without an answer; `status` is negative for a signal."""
    if status == EXIT_NO_ROOM:
        return HostResult(Outcome.DIED, "The job does not fit into the script's memory limit.")
    return HostResult(Outcome.DIED, f"The script's process ended with {_describe(status)}.")


def _output(frame: Frame) -> Output:
    match frame.header:
        case {"code": int(code), "headers": dict(headers), "isText": bool(is_text)} if not isinstance(code, bool):
            output = Output(code, _header_lists(headers), bytes(frame.body), is_text, _error(frame))
        case _:
            raise MalformedFrameError("not an output of the SDK")
    if is_text:
        try:
            output.body.decode()
        except UnicodeDecodeError as error:
            raise MalformedFrameError("text that is not UTF-8") from error
    return output


def _error(frame: Frame) -> str | None:
    error = frame.header.get("error")
    if error is not None and not isinstance(error, str):
        raise MalformedFrameError("an error without a text")
    return error


def _names(values: object) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise MalformedFrameError("names that are not text")
    return values


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
