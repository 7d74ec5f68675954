"""The platform, as a script sees it."""

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn, overload

from automation.sdk.errors import CredentialNotAllowed, ScriptExit, SubscriptFailed, UnknownScriptParameter

MOST_INFORMATION: Final = 10
"""How many information events a run leaves at most."""

LONGEST_INFORMATION: Final = 1_000
"""How many characters each of them has at most."""


@dataclass(frozen=True)
class ScriptParameter:
    """A script parameter and its value in this run."""

    name: str
    value: str


SubscriptRunner = Callable[[str, dict[str, str], bool], Any]


def _no_subscripts(name: str, parameters: dict[str, str], wait: bool) -> NoReturn:
    raise SubscriptFailed(f"Subscript {name!r} cannot run: this Engine is not connected to a platform.")


def _print(message: str) -> None:
    print(message, flush=True)


class Engine:
    """The platform, as a script sees it.

    In a test: `Engine({"host": "a"}, run_subscript=fake)`, where `fake(name, parameters, wait)` returns what the
    subscript returns, or the job id if it is not waited for, or raises `SubscriptFailed`. `credentials` has the values
    of the credentials by name; `log` and `information` get what the script logs and says; it has `seconds` left.
    `traceparent` is its place in a distributed trace.
    """

    def __init__(
        self,
        parameters: Mapping[str, str] | None = None,
        *,
        run_subscript: SubscriptRunner = _no_subscripts,
        log: Callable[[str], None] = _print,
        script_name: str = "",
        script_version: int = 0,
        seconds: float = 60.0,
        credentials: Mapping[str, str] | None = None,
        information: Callable[[str], None] = _print,
        traceparent: str = "",
    ) -> None:
        self._parameters = dict(parameters or {})
        self._run_subscript = run_subscript
        self._log = log
        self._script_name = script_name
        self._script_version = script_version
        self._ends_at = time.monotonic() + seconds
        # Not copied: a script host notes which of them are read.
        self._credentials = {} if credentials is None else credentials
        self._information = information
        self._traceparent = traceparent
        self._numbers = itertools.count(1)

    @property
    def script_name(self) -> str:
        """The name of the script that runs."""
        return self._script_name

    @property
    def script_version(self) -> int:
        """The version of the script that runs."""
        return self._script_version

    @property
    def remaining_seconds(self) -> float:
        """How many seconds the script may still run; never less than 0."""
        return max(0.0, self._ends_at - time.monotonic())

    @property
    def traceparent(self) -> str:
        """The run's place in a distributed trace, to be sent on as the header `traceparent`; empty without a trace."""
        return self._traceparent

    def script_param(self, name: str) -> ScriptParameter:
        """The script parameter `name`, whose text is `.value`. Raises `UnknownScriptParameter` (a KeyError)."""
        if name not in self._parameters:
            raise UnknownScriptParameter(name)
        return ScriptParameter(name, self._parameters[name])

    def credential(self, name: str) -> str:
        """The value of the credential `name`. Raises `CredentialNotAllowed` unless it is granted to this script."""
        try:
            return self._credentials[name]
        except KeyError:
            raise CredentialNotAllowed(name) from None

    def exit_fail(self, message: str) -> NoReturn:
        """End the script at once as failed; `message` goes to the log, never to the caller."""
        raise ScriptExit(str(message), failed=True)

    def exit_success(self, message: str = "") -> NoReturn:
        """End the script at once as successful. Only in `run`: an `on_api_trigger` must return an output."""
        raise ScriptExit(str(message), failed=False)

    def log(self, message: object) -> None:
        """Write a line to the log of this run, as `print` does."""
        self._log(str(message))

    def information(self, message: str) -> None:
        """Leave an information event of this script, which users of the console see.

        A message is cut to 1,000 characters. Those after the tenth of a run are dropped; the log says so once.
        Raises ValueError for a message without text.
        """
        if not isinstance(message, str) or not message.strip():
            raise ValueError("The message of an information event must be text, and not blank.")
        if len(message) > LONGEST_INFORMATION:
            message = f"{message[: LONGEST_INFORMATION - 1]}…"
        # Threads of a script share the counter: its step is atomic.
        number = next(self._numbers)
        if number <= MOST_INFORMATION:
            self._information(message)
        elif number == MOST_INFORMATION + 1:
            self._log(f"A run leaves at most {MOST_INFORMATION} information events; further ones are dropped.")

    @overload
    def run_subscript(
        self, name: str, parameters: Mapping[str, str] | None = None, wait: Literal[True] = True
    ) -> Any: ...
    @overload
    def run_subscript(self, name: str, parameters: Mapping[str, str] | None = None, *, wait: Literal[False]) -> str: ...
    @overload
    def run_subscript(self, name: str, parameters: Mapping[str, str] | None, wait: Literal[False]) -> str: ...
    def run_subscript(self, name: str, parameters: Mapping[str, str] | None = None, wait: bool = True) -> Any:
        """Run the `run` of another script with these parameters (text to text).

        With `wait`, the subscript runs in this script's own time, at most 5 levels deep; returns what its `run` has
        returned if that is JSON, otherwise None. Without, it is a job of its own that outlives this script; returns
        the job's id. Raises `SubscriptFailed` (its `status` is that of an `ApiError` of the subscript), and TypeError
        for names and values that are not text.
        """
        given = dict(parameters or {})
        if not all(isinstance(text, str) for text in (name, *given, *given.values())):
            raise TypeError("The name and the parameters of a subscript must be text.")
        return self._run_subscript(name, given, bool(wait))

    def __repr__(self) -> str:
        """Without parameters and credentials, which a log must not hold."""
        return f"Engine(script_name={self._script_name!r}, script_version={self._script_version!r})"
