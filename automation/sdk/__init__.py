"""What an automation script imports. Plain Python: a script can be tested with pytest and nothing else.

from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine, StatusCode

def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    return ApiTriggerOutput(response_code=StatusCode.OK, response_body=request.raw_body)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Literal, NoReturn, TypeVar, overload

Default = TypeVar("Default")


class RequestMethod(StrEnum):
    """The HTTP method of a trigger."""

    GET = "Get"
    PUT = "Put"
    POST = "Post"
    DELETE = "Delete"
    PATCH = "Patch"


class StatusCode(IntEnum):
    """The usual response codes; any other int from 200 to 599 is as good."""

    OK = 200
    CREATED = 201
    ACCEPTED = 202
    NO_CONTENT = 204
    BAD_REQUEST = 400
    NOT_FOUND = 404
    METHOD_NOT_ALLOWED = 405
    INTERNAL_SERVER_ERROR = 500


class QueryParameters:
    """The query string's parameters: case-sensitive names, each with one value or more, blank ones kept.

    Made from a mapping (name to value, or to values) or from pairs of name and value.
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
        """The first value of `key`, or `default` when the query has no such parameter."""
        values = self._values.get(key)
        return values[0] if values else default

    def get_all(self, key: str) -> list[str]:
        """Every value of `key` in the order they were sent; empty when there is none."""
        return list(self._values.get(key, ()))

    def keys(self) -> list[str]:
        """The names, each once, in the order they were first sent."""
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
    """Who triggered, and under which id the log tells of it."""

    token_id: str = ""
    trigger_id: str = ""


@dataclass(frozen=True, kw_only=True)
class ApiTriggerInput:
    """What the caller sent. Everything has a default, so a test names only what it is about.

    `route` is as called; `raw_body` is `""` when there was none; `parameters` is empty for the input type
    `RawBody`; `route_parameters` holds what the placeholders of the route captured.
    """

    request_method: RequestMethod = RequestMethod.GET
    route: str = ""
    raw_body: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    query_parameters: QueryParameters = field(default_factory=QueryParameters)
    route_parameters: dict[str, str] = field(default_factory=dict)
    context: TriggerContext = field(default_factory=TriggerContext)


class ResponseHeaders:
    """The headers of a response. Names are compared without case; the first spelling of one is kept."""

    def __init__(self) -> None:
        self._headers: dict[str, tuple[str, list[str]]] = {}

    def add(self, name: str, *values: str) -> None:
        """Append `values` to those that `name` has."""
        if values:
            self._headers.setdefault(name.lower(), (name, []))[1].extend(values)

    def set(self, name: str, *values: str) -> None:
        """Replace what `name` has by `values`; without values the header goes."""
        spelling, _ = self._headers.pop(name.lower(), (name, []))
        self.add(spelling, *values)

    def as_dict(self) -> dict[str, list[str]]:
        """A copy: name to values, in the order the names were added."""
        return {name: list(values) for name, values in self._headers.values()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResponseHeaders) and self._headers == other._headers

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ResponseHeaders({self.as_dict()!r})"


@dataclass
class ApiTriggerOutput:
    """What the caller gets.

    `response_code` is from 200 to 599. `response_body_bytes` wins over `response_body` when it is not None.
    A body is at most 30 MB (30 * 1024 * 1024 bytes, text counted as UTF-8). The platform checks this, not the class.
    """

    response_code: int = StatusCode.OK
    response_body: str = ""
    response_body_bytes: bytes | None = None
    response_headers: ResponseHeaders = field(default_factory=ResponseHeaders)


@dataclass(frozen=True)
class ScriptParameter:
    """One script parameter and the value it has in this run."""

    name: str
    value: str


class UnknownScriptParameter(KeyError):  # noqa: N818 - an author reads it as what happened
    """The run has no script parameter of this name."""

    def __str__(self) -> str:
        return f"The script has no parameter named {self.args[0]!r}."


class SubscriptFailed(Exception):  # noqa: N818 - the name is part of the contract with authors
    """A subscript failed or could not be started; the text says why."""


class ScriptExit(BaseException):
    """`exit_fail` or `exit_success` was called. No Exception, so that a script's own handlers let it pass."""

    def __init__(self, message: str, *, failed: bool) -> None:
        super().__init__(message)
        self.message = message
        self.failed = failed


SubscriptRunner = Callable[[str, dict[str, str], bool], str | None]


def _no_subscripts(name: str, parameters: dict[str, str], wait: bool) -> str | None:
    raise SubscriptFailed(f"Subscript {name!r} cannot run: this engine has no platform behind it.")


def _print(message: str) -> None:
    print(message, flush=True)


class Engine:
    """The script's way to the platform.

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
        """The script parameter `name`; its text is in `.value`. Raises `UnknownScriptParameter` (a KeyError)."""
        if name not in self._parameters:
            raise UnknownScriptParameter(name)
        return ScriptParameter(name, self._parameters[name])

    def exit_fail(self, message: str) -> NoReturn:
        """End the script at once as failed; `message` goes to the log, never to the caller."""
        raise ScriptExit(str(message), failed=True)

    def exit_success(self, message: str = "") -> NoReturn:
        """End the script at once as succeeded. `on_api_trigger` still owes an output, `run` does not."""
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
        """Run another script's `run` with these parameters (text to text).

        With `wait`, in this script's own time and at most 5 deep: returns None once it has succeeded. Without, as a
        job of its own that outlives this script: returns the job's id. Raises `SubscriptFailed`, and TypeError for
        anything but text.
        """
        given = dict(parameters or {})
        if not all(isinstance(text, str) for text in (name, *given, *given.values())):
            raise TypeError("The name and the parameters of a subscript are text.")
        return self._run_subscript(name, given, bool(wait))
