"""How a run ended, as data: what the host of a script tells the worker."""

import json
import traceback
from collections import deque
from collections.abc import Collection, Iterator

from automation.sdk import ApiError, ApiTriggerOutput, ScriptExit
from foundation.value_masks import ValueMasks
from hosts.frames import MAX_HEADER_BYTES
from hosts.jobs import MAX_BODY_BYTES, MAX_MESSAGE_CHARACTERS, Outcome

MAX_TRACEBACK_CHARACTERS = 64 * 1024

_HIGHEST_NUMBER = 1_000_000

ScriptAnswer = tuple[dict[str, object], bytes | memoryview]


def of_output(output: object) -> ScriptAnswer:
    """An ApiTriggerOutput as data. The built-in types' own methods copy it, so a subclass cannot interfere."""
    if not isinstance(output, ApiTriggerOutput):
        return _invalid(f"on_api_trigger returned {_type(output)}, not an ApiTriggerOutput.")
    code, raw = output.response_code, output.response_body_bytes
    content: object = output.response_body if raw is None else raw
    if not isinstance(code, int) or isinstance(code, bool):
        return _invalid(f"response_code is {_type(code)}, not an int.")
    if not isinstance(content, str if raw is None else bytes):
        field = "response_body" if raw is None else "response_body_bytes"
        return _invalid(f"{field} is {_type(content)}, not {'a str' if raw is None else 'bytes'}.")
    headers = _headers(output.response_headers)
    if headers is None:
        return _invalid("response_headers is not a ResponseHeaders of text, or is too large.")
    # Checked first: a copy may exceed the memory limit.
    if isinstance(content, str) and str.__len__(content) > MAX_BODY_BYTES:
        return without_output(Outcome.TOO_LARGE, f"The response body has {str.__len__(content)} characters.")
    try:
        body = memoryview(str.encode(content, "utf-8") if isinstance(content, str) else content)
    except UnicodeEncodeError:
        return _invalid("response_body holds a lone surrogate, which no encoding can express.")
    if len(body) > MAX_BODY_BYTES:
        return without_output(Outcome.TOO_LARGE, f"The response body has {len(body)} bytes.")
    fields = {"type": "answer", "outcome": Outcome.RETURNED, "code": _bounded(code), "headers": headers}
    return fields | {"isText": raw is None}, body


def of_run(returned: object, *, is_wanted: bool) -> ScriptAnswer:
    """The end of `run`, with what it returned if its caller wants that and it is JSON."""
    header, _ = without_output(Outcome.SUCCEEDED)
    if not is_wanted or returned is None:
        return header, b""
    try:
        content = json.dumps(returned, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return header, b""
    if len(content) > MAX_BODY_BYTES:
        return without_output(Outcome.TOO_LARGE, f"run returned {len(content)} bytes of JSON.")
    return header, content


def api_error(error: BaseException) -> ApiError | None:
    """The ApiError that a script has raised: alone, or in a group of nothing else, as `asyncio.TaskGroup` raises it."""
    if isinstance(error, ApiError):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    found = list(_leaves(error))
    first = found[0]
    return first if isinstance(first, ApiError) and all(isinstance(each, ApiError) for each in found) else None


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    pending: deque[BaseException] = deque([group])
    while pending:
        error = pending.popleft()
        if isinstance(error, BaseExceptionGroup):
            pending += error.exceptions
        else:
            yield error


def of_api_error(error: ApiError, masks: ValueMasks) -> ScriptAnswer:
    """The response that an ApiError stands for, in the form of the platform's own errors."""
    status = error.status
    if not isinstance(status, int) or isinstance(status, bool):
        return _invalid(f"The status of an ApiError is {_type(status)}, not an int.")
    title, detail = _clean(str(error.title)), _clean(str(error.detail))
    body = json.dumps({"errors": [{"title": title, "detail": detail}]}).encode()
    if len(body) > MAX_BODY_BYTES:
        return without_output(Outcome.TOO_LARGE, f"The ApiError has {len(body)} bytes.")
    told = masks.text(f"{title.removesuffix('.')}: {detail}" if detail else title)[:MAX_MESSAGE_CHARACTERS]
    fields = {"type": "answer", "outcome": Outcome.RETURNED, "code": _bounded(status), "headers": {}}
    return fields | {"isText": True, "error": told}, body


def _bounded(number: int) -> int:
    """The number, as an int of any size must not be sent. One that is far out of the allowed range stays out of it."""
    return min(max(int.__int__(number), -1), _HIGHEST_NUMBER)


def _headers(headers: object) -> dict[str, list[str]] | None:
    given = headers.as_dict() if hasattr(headers, "as_dict") else None
    if not isinstance(given, dict):
        return None
    copy: dict[str, list[str]] = {}
    for name, values in given.items():
        if not isinstance(name, str) or not isinstance(values, list):
            return None
        if not all(isinstance(value, str) for value in values):
            return None
        copy[str.__str__(name)] = [str.__str__(value) for value in values]
    # JSON may need twelve bytes for one character.
    characters = sum(len(name) + sum(map(len, values)) for name, values in copy.items())
    return copy if characters < MAX_HEADER_BYTES // 16 else None


def of_error(
    error: BaseException, files: Collection[str], masks: ValueMasks, *, has_output: bool, remark: str = ""
) -> ScriptAnswer:
    """What the script has raised, with a `remark` on it. Messages are masked before they are cut."""
    if isinstance(error, ScriptExit):
        if error.failed:
            return without_output(Outcome.FAILED, masks.text(error.message))
        if has_output:
            return _invalid("on_api_trigger was ended by exit_success and returned no output.")
        return without_output(Outcome.SUCCEEDED, masks.text(error.message))
    text = masks.text(_script_traceback(error, files))
    if len(text) > MAX_TRACEBACK_CHARACTERS:
        # The most useful part is the end. Whole lines: the worker would not recognize a part of a caller's value.
        end = text[-MAX_TRACEBACK_CHARACTERS:]
        text = "…\n" + (end.partition("\n")[2] or end)
    code = f"The script called sys.exit({error.code!r})." if isinstance(error, SystemExit) else ""
    return without_output(Outcome.FAILED, masks.text(code or _one_line(error) + remark), text)


def _one_line(error: BaseException) -> str:
    """Type and text, as in the last line of a traceback."""
    report = traceback.TracebackException.from_exception(error, limit=0)
    report.__notes__ = None
    return list(report.format_exception_only())[-1].strip()


def _invalid(message: str) -> ScriptAnswer:
    return without_output(Outcome.NOTHING_VALID_RETURNED, message)


def without_output(outcome: Outcome, message: str = "", traceback: str = "") -> ScriptAnswer:
    """An answer that says why there is no response."""
    fields: dict[str, object] = {"type": "answer", "outcome": outcome, "traceback": traceback}
    return fields | {"message": _clean(message)[:MAX_MESSAGE_CHARACTERS]}, b""


def _script_traceback(error: BaseException, files: Collection[str]) -> str:
    """The traceback with the frames of the script and its libraries only: others show paths of this machine."""
    report = traceback.TracebackException.from_exception(error)
    pending: list[traceback.TracebackException | None] = [report]
    while pending:
        if part := pending.pop():
            part.stack[:] = [frame for frame in part.stack if frame.filename in files]
            pending += [part.__cause__, part.__context__, *(part.exceptions or ())]
    return _clean("".join(report.format()))


def _clean(text: str) -> str:
    """The text without lone surrogates, which UTF-8 cannot express."""
    return text.encode("utf-8", "replace").decode()


def _type(value: object) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"
