"""What automation scripts import. Plain Python, so that a script can be tested with pytest alone.

from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine, StatusCode

def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    return ApiTriggerOutput(response_code=StatusCode.OK, response_body=request.raw_body)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Literal, NoReturn, TypeVar, overload

from automation.sdk import sibling_libraries

Default = TypeVar("Default")


class RequestMethod(StrEnum):
    """The HTTP method of a trigger."""

    GET = "Get"
    PUT = "Put"
    POST = "Post"
    DELETE = "Delete"
    PATCH = "Patch"


class StatusCode(IntEnum):
    """Common response codes; any other int from 200 to 599 works as well."""

    OK = 200
    CREATED = 201
    ACCEPTED = 202
    NO_CONTENT = 204
    BAD_REQUEST = 400
    NOT_FOUND = 404
    METHOD_NOT_ALLOWED = 405
    INTERNAL_SERVER_ERROR = 500


class QueryParameters:
    """The parameters of a query string: case-sensitive names with one or more values each, blank values included.

    Created from a mapping (name to value or values) or from pairs of name and value.
    """

    def __init__(self, values: Mapping[str, str | Iterable[str]] | Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, given in values.items() if isinstance(values, Mapping) else values:
            self._values.setdefault(name, []).extend([given] if isinstance(given, str) else given)

    @overload
    def get(self, key: str) -> str | None: ...
    @overload
    def get(self, key: str, default: Default) -> str | Default: ...
    def get(self, key: str, default: object = None) -> object:
        """The first value of `key`, or `default` if the query has no such parameter."""
        values = self._values.get(key)
        return values[0] if values else default

    def get_all(self, key: str) -> list[str]:
        """All values of `key` in the order in which they were sent."""
        return list(self._values.get(key, ()))

    def keys(self) -> list[str]:
        """The names, each once, in the order in which they were first sent."""
        return list(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QueryParameters) and self._values == other._values

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"QueryParameters({self._values!r})"


@dataclass(frozen=True)
class TriggerContext:
    """The id of the caller's token, and the id of the trigger in the logs."""

    token_id: str = ""
    trigger_id: str = ""


@dataclass(frozen=True, kw_only=True)
class ApiTriggerInput:
    """What the caller sent. Everything has a default, so that a test sets only what it needs.

    `route` is the path as called. `raw_body` is `""` if there was no body. `parameters` is empty for the input type
    `RawBody`. `route_parameters` has the values of the placeholders of the route.
    """

    request_method: RequestMethod = RequestMethod.GET
    route: str = ""
    raw_body: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    query_parameters: QueryParameters = field(default_factory=QueryParameters)
    route_parameters: dict[str, str] = field(default_factory=dict)
    context: TriggerContext = field(default_factory=TriggerContext)


class ResponseHeaders:
    """The headers of a response. Names are case-insensitive; the first spelling of a name is kept."""

    def __init__(self) -> None:
        self._headers: dict[str, tuple[str, list[str]]] = {}

    def add(self, name: str, *values: str) -> None:
        """Append `values` to those of `name`."""
        if values:
            self._headers.setdefault(name.lower(), (name, []))[1].extend(values)

    def set(self, name: str, *values: str) -> None:
        """Replace the values of `name`; without `values`, remove the header."""
        spelling, _ = self._headers.pop(name.lower(), (name, []))
        self.add(spelling, *values)

    def as_dict(self) -> dict[str, list[str]]:
        """A copy: name to values, in the order in which the names were added."""
        return {name: list(values) for name, values in self._headers.values()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResponseHeaders) and self._headers == other._headers

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ResponseHeaders({self.as_dict()!r})"


@dataclass
class ApiTriggerOutput:
    """The response to the caller.

    `response_code` is from 200 to 599. `response_body_bytes` is sent instead of `response_body` unless it is None.
    A body has at most 30 MB (30 * 1024 * 1024 bytes, text counted as UTF-8). The platform checks this, not the class.
    """

    response_code: int = StatusCode.OK
    response_body: str = ""
    response_body_bytes: bytes | None = None
    response_headers: ResponseHeaders = field(default_factory=ResponseHeaders)


@dataclass(frozen=True)
class ScriptParameter:
    """A script parameter and its value in this run."""

    name: str
    value: str


class UnknownScriptParameter(KeyError):  # noqa: N818 - the name is part of the contract with authors
    """The run has no script parameter of this name."""

    def __str__(self) -> str:
        return f"The script has no parameter named {self.args[0]!r}."


class SubscriptFailed(Exception):  # noqa: N818 - the name is part of the contract with authors
    """A subscript failed, or could not be started; the text says why."""


class ScriptExit(BaseException):
    """`exit_fail` or `exit_success` was called. Not an Exception, so that a script's own handlers do not catch it."""

    def __init__(self, message: str, *, failed: bool) -> None:
        super().__init__(message)
        self.message = message
        self.failed = failed


SubscriptRunner = Callable[[str, dict[str, str], bool], str | None]


def _no_subscripts(name: str, parameters: dict[str, str], wait: bool) -> str | None:
    raise SubscriptFailed(f"Subscript {name!r} cannot run: this Engine is not connected to a platform.")


def _print(message: str) -> None:
    print(message, flush=True)


class Engine:
    """The platform, as a script sees it.

    In a test: `Engine({"host": "a"}, run_subscript=fake)`, where `fake(name, parameters, wait)` returns the job id or
    None, or raises `SubscriptFailed`.
    """

    def __init__(
        self,
        parameters: Mapping[str, str] | None = None,
        *,
        run_subscript: SubscriptRunner = _no_subscripts,
        log: Callable[[str], None] = _print,
    ) -> None:
        self._parameters = dict(parameters or {})
        self._run_subscript = run_subscript
        self._log = log

    def script_param(self, name: str) -> ScriptParameter:
        """The script parameter `name`, whose text is `.value`. Raises `UnknownScriptParameter` (a KeyError)."""
        if name not in self._parameters:
            raise UnknownScriptParameter(name)
        return ScriptParameter(name, self._parameters[name])

    def exit_fail(self, message: str) -> NoReturn:
        """End the script at once as failed; `message` goes to the log, never to the caller."""
        raise ScriptExit(str(message), failed=True)

    def exit_success(self, message: str = "") -> NoReturn:
        """End the script at once as successful. Only in `run`: an `on_api_trigger` must return an output."""
        raise ScriptExit(str(message), failed=False)

    def log(self, message: object) -> None:
        """Write a line to the log of this run, as `print` does."""
        self._log(str(message))

    @overload
    def run_subscript(
        self, name: str, parameters: Mapping[str, str] | None = None, wait: Literal[True] = True
    ) -> None: ...
    @overload
    def run_subscript(self, name: str, parameters: Mapping[str, str] | None = None, *, wait: Literal[False]) -> str: ...
    @overload
    def run_subscript(self, name: str, parameters: Mapping[str, str] | None, wait: Literal[False]) -> str: ...
    def run_subscript(self, name: str, parameters: Mapping[str, str] | None = None, wait: bool = True) -> str | None:
        """Run the `run` of another script with these parameters (text to text).

        With `wait`, the subscript uses up this script's own time, at most 5 levels deep; returns None when it has
        succeeded. Without, it is a job of its own that outlives this script; returns the job's id. Raises
        `SubscriptFailed`, and TypeError for anything but text.
        """
        given = dict(parameters or {})
        if not all(isinstance(text, str) for text in (name, *given, *given.values())):
            raise TypeError("The name and the parameters of a subscript must be text.")
        return self._run_subscript(name, given, bool(wait))


# Tests of scripts import nothing else of the platform. Script hosts undo it.
sibling_libraries.install()
