"""Executes a script in its process, and describes the result as data."""

import time
import traceback
import types
from collections.abc import Callable, Collection

from automation.sdk import (
    ApiTriggerInput,
    ApiTriggerOutput,
    Engine,
    QueryParameters,
    RequestMethod,
    ScriptExit,
    TriggerContext,
)
from hosts import script_modules
from hosts.frames import MAX_HEADER_BYTES
from hosts.jobs import MAX_BODY_BYTES, Order, Outcome
from hosts.run_environment import RunEnvironment
from hosts.worker_link import WorkerLink

MAX_MESSAGE_CHARACTERS = 4 * 1024
MAX_TRACEBACK_CHARACTERS = 64 * 1024

Answer = tuple[dict[str, object], bytes | memoryview]


class LoadedScript:
    """The script of this process: loaded once with its libraries, run for every job."""

    def __init__(self, environment: RunEnvironment) -> None:
        self._environment = environment
        self._module: types.ModuleType | None = None
        self._files: Collection[str] = ()
        self._has_raised = False

    @property
    def is_sound(self) -> bool:
        """Whether it can run again: it is loaded, and no run has raised and left something half done."""
        return self._module is not None and not self._has_raised

    def execute(self, order: Order, body: memoryview, link: WorkerLink) -> Answer:
        """Run the script and return its answer, whatever it does, unless it ends or blocks the process."""
        if order.start_by is not None and time.monotonic() > order.start_by:
            return _answer(Outcome.EXPIRED, "The caller's time was over before the script began.")
        try:
            arguments = _arguments(order, body, link)
        except (AttributeError, TypeError, ValueError) as error:
            return _answer(Outcome.UNREADABLE, f"The job cannot be read: {error!r}")
        try:
            returned = self._call(order, arguments)
            return _answer(Outcome.SUCCEEDED) if len(arguments) == 1 else _output(returned)
        except BaseException as error:  # noqa: BLE001  whatever a script raises is its answer
            self._environment.modules.restore()
            self._has_raised = self._has_raised or not isinstance(error, ScriptExit)
            if isinstance(error, MemoryError):
                self._environment.make_room()
                return _answer(Outcome.FAILED, _out_of_memory(error, order), error, self._files)
            return _ended_by(error, self._files, has_output=len(arguments) > 1)

    def _call(self, order: Order, arguments: tuple[object, ...]) -> object:
        """Call the entry point. The first line that runs after the script undoes what the script has patched."""
        restore = self._environment.modules.restore
        try:
            if self._module is None:
                self._files = frozenset(map(script_modules.file_of, (order.script_name, *order.libraries)))
                self._module = script_modules.load(order.script_name, order.source, order.libraries)
            return _entry_point(self._module, order.entry_point)(*arguments)
        finally:
            restore()


def _arguments(order: Order, body: memoryview, link: WorkerLink) -> tuple[object, ...]:
    engine = Engine(dict(order.parameters), run_subscript=link.run_subscript)
    if order.entry_point == "run":
        return (engine,)
    call = order.call
    if call is None:
        raise ValueError("it has no request")
    request = ApiTriggerInput(
        request_method=RequestMethod(call.method),
        route=call.route,
        raw_body=str(body, "utf-8"),
        parameters=dict(order.parameters),
        query_parameters=QueryParameters(call.query),
        route_parameters=dict(call.route_parameters),
        context=TriggerContext(token_id=call.token_id, trigger_id=order.id),
    )
    return engine, request


def _entry_point(module: types.ModuleType, name: str) -> Callable[..., object]:
    entry_point: Callable[..., object] | None = getattr(module, name, None)
    if not callable(entry_point):
        raise AttributeError(f"the script has no entry point {name}")
    return entry_point


def _output(output: object) -> Answer:
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
        return _answer(Outcome.TOO_LARGE, f"The response body has {str.__len__(content)} characters.")
    try:
        body = memoryview(str.encode(content, "utf-8") if isinstance(content, str) else content)
    except UnicodeEncodeError:
        return _invalid("response_body holds a lone surrogate, which no encoding can express.")
    if len(body) > MAX_BODY_BYTES:
        return _answer(Outcome.TOO_LARGE, f"The response body has {len(body)} bytes.")
    # An int of any size must not be sent. A number far out of the allowed range stays out of it.
    number = min(max(int.__int__(code), -1), 1_000_000)
    fields = {"type": "answer", "outcome": Outcome.RETURNED, "code": number, "headers": headers}
    return fields | {"isText": raw is None}, body


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


def _ended_by(error: BaseException, files: Collection[str], *, has_output: bool) -> Answer:
    if isinstance(error, ScriptExit):
        if error.failed:
            return _answer(Outcome.FAILED, error.message)
        if has_output:
            return _invalid("on_api_trigger was ended by exit_success and returned no output.")
        return _answer(Outcome.SUCCEEDED, error.message)
    if isinstance(error, SystemExit):
        return _answer(Outcome.FAILED, f"The script called sys.exit({error.code!r}).", error, files)
    return _answer(Outcome.FAILED, _one_line(error), error, files)


def _out_of_memory(error: MemoryError, order: Order) -> str:
    return f"{_one_line(error)} (the script's memory limit is {order.memory_limit_mb} MB)"


def _one_line(error: BaseException) -> str:
    """Type and text, as in the last line of a traceback."""
    report = traceback.TracebackException.from_exception(error, limit=0)
    report.__notes__ = None
    return list(report.format_exception_only())[-1].strip()


def _invalid(message: str) -> Answer:
    return _answer(Outcome.NOTHING_VALID_RETURNED, message)


def _answer(
    outcome: Outcome, message: str = "", error: BaseException | None = None, files: Collection[str] = ()
) -> Answer:
    text = _script_traceback(error, files) if error else ""
    fields: dict[str, object] = {"type": "answer", "outcome": outcome}
    return fields | {"message": _clean(message)[:MAX_MESSAGE_CHARACTERS], "traceback": text}, b""


def _script_traceback(error: BaseException, files: Collection[str]) -> str:
    """The traceback with the frames of the script and its libraries only: others show paths of this machine."""
    report = traceback.TracebackException.from_exception(error)
    pending: list[traceback.TracebackException | None] = [report]
    while pending:
        if part := pending.pop():
            part.stack[:] = [frame for frame in part.stack if frame.filename in files]
            pending += [part.__cause__, part.__context__, *(part.exceptions or ())]
    text = _clean("".join(report.format()))
    # The most useful part is the end.
    return text if len(text) <= MAX_TRACEBACK_CHARACTERS else "…\n" + text[-MAX_TRACEBACK_CHARACTERS:]


def _clean(text: str) -> str:
    """The text without lone surrogates, which UTF-8 cannot express."""
    return text.encode("utf-8", "replace").decode()


def _type(value: object) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"
