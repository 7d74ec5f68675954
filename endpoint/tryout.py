"""Trying a script before it is published: the way of a trigger, without queue, database and Redis."""

import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from django.conf import settings

from automation.libraries import LibraryError, resolve
from automation.source import ON_API_TRIGGER, RUN, compile_error, contents, has_entry_point
from automation.versions import ScriptVersion
from definitions import routes
from definitions.lookups import DefinitionRow, ScriptRow
from definitions.models import ActionType, InputType
from endpoint import admission, errors
from endpoint.dispatch import succeeded
from endpoint.trigger_request import TriggerRequest
from fleet import confinement
from fleet.answer import Answer, answer_of
from fleet.execution import Execution
from fleet.script_cache import NoScriptError
from foundation.texts import UnreadableFileError, read_text
from hosts.jobs import Assignment, Library, Script
from hosts.script_hosts import ScriptHosts

_NO_ID = UUID(int=0)
_NODE = 0
_NO_VERSION = 0


class UnusableScriptError(Exception):
    """Why the script could not be saved either."""


class NoHostsError(Exception):
    """Why no script can run on this machine."""


@dataclass(frozen=True, slots=True)
class Tryout:
    """A script file, and the request that a caller would send to it.

    `route` is the definition's, with the caller's value in each placeholder: `encoders/{id=7}/status`.
    A script with both entry points is called at `on_api_trigger` unless `calls_run`.
    """

    file: Path
    method: str
    route: str
    query: list[tuple[str, str]]
    body: bytes = field(repr=False)
    reads_parameters: bool
    calls_run: bool
    timeout_seconds: int

    def run(self, on_line: Callable[[str], None]) -> Answer:
        """The script's answer; `on_line` gets each line it prints.

        A subscript or library NAME is the file NAME.py beside it.

        Raises:
            UnusableScriptError: it cannot be read, does not compile, has no entry point, or needs a library that cannot
                be used.
            InvalidRouteError: the route is invalid, or lacks the value of a placeholder.
            NoHostsError: no process can be started for it.
            TriggerError: the trigger ends in this error.
        """
        script = self._read(self.file)
        job = admission.job(str(uuid.uuid4()), self._admitted(script), self.body)
        hosts = _started_hosts()
        try:
            result = _execution(hosts, self._beside, on_line).run(Assignment(job, script, self.timeout_seconds))
        finally:
            hosts.stop()
        return succeeded(answer_of(result, _NODE))

    def _admitted(self, script: Script) -> admission.Admitted:
        route, called = _route(self.route)
        has_api_trigger = has_entry_point(script.source, ON_API_TRIGGER)
        action_type, input_type = ActionType.NO_ENTRY_POINT.value, ""
        if has_api_trigger and not self.calls_run:
            action_type = ActionType.AUTOMATION_SCRIPT.value
            input_type = (InputType.PARAMETERS if self.reads_parameters else InputType.RAW_BODY).value
        row = ScriptRow(_NO_ID, script.name, script.version, [], has_api_trigger, script.has_run)
        definition = DefinitionRow(_NO_ID, route, action_type, input_type, False, row.id, row, is_allowed=True)
        request = TriggerRequest(self.method, called, self.query)
        return admission.Admitted(request, _NO_ID, definition, admission.runnable(definition))

    def _beside(self, name: str) -> Script:
        try:
            # `with_name` refuses a slash, which would lead to another directory.
            return self._read(self.file.with_name(f"{name}.py"))
        except (UnusableScriptError, ValueError) as error:
            raise NoScriptError(f"there is no script {name}: {error}") from error

    def _read(self, file: Path) -> Script:
        source = _source(file)
        has_run = has_entry_point(source, RUN)
        if not has_run and not has_entry_point(source, ON_API_TRIGGER):
            raise UnusableScriptError(f"{file} has no function {ON_API_TRIGGER}(engine, request) or {RUN}(engine).")
        return Script(
            str(_NO_ID),
            file.stem,
            _NO_VERSION,
            source,
            timeout_seconds=self.timeout_seconds,
            has_run=has_run,
            libraries=_libraries(file, source),
        )


def _libraries(script: Path, source: str) -> tuple[Library, ...]:
    """The libraries that a script imports, directly and through others: files beside it, by the rules of a save."""

    def beside(names: Iterable[str]) -> dict[str, ScriptVersion]:
        files = {name: script.with_name(f"{name}.py") for name in names}
        # Not `Path.exists`, which fails for a name that is too long.
        return {name: ScriptVersion(source=_library(file)) for name, file in files.items() if os.path.exists(file)}

    def resolved(file: Path, source: str, own_name: str) -> dict[str, ScriptVersion]:
        try:
            return resolve(source, own_name, beside)
        except LibraryError as error:
            raise UnusableScriptError(f"{file}, line {error.line}: {error.message}") from error

    found = resolved(script, source, "")
    # Stored libraries cannot import each other, but files can.
    for name, library in found.items():
        resolved(script.with_name(f"{name}.py"), library.source, name)
    return tuple(Library(name, _NO_VERSION, library.source) for name, library in found.items())


def _library(file: Path) -> str:
    source = _source(file)
    if entry_points := contents(source).entry_points:
        raise UnusableScriptError(f"{file} is no library: it has a function {entry_points[0]}.")
    return source


def _source(file: Path) -> str:
    if file.exists() and not file.is_file():
        raise UnusableScriptError(f"{file} is not a file.")
    try:
        source = read_text(file)
    except UnreadableFileError as error:
        raise UnusableScriptError(str(error)) from error
    if fault := compile_error(source):
        where = f"{file}, line {fault.line}" if fault.line else str(file)
        raise UnusableScriptError(f"{where}: {fault.message}")
    return source


def _route(given: str) -> tuple[str, tuple[str, ...]]:
    """The definition's route, and the segments as called."""
    parts = [_segment(part) for part in given.split("/")]
    route, called = "/".join(part for part, _ in parts), tuple(segment for _, segment in parts)
    routes.parse(route)
    return route, called


def _segment(part: str) -> tuple[str, str]:
    name, _, value = part[1:-1].partition("=")
    if not routes.is_placeholder(part):
        return part, part
    if not value:
        raise routes.InvalidRouteError(f"Say what a caller sends for {part}, as in {{{name}=7}}.")
    return f"{{{name}}}", value


def _started_hosts() -> ScriptHosts:
    hosts = ScriptHosts(state_dir=settings.UDAPI_STATE_DIR, paths=confinement.configured_paths())
    try:
        settings.UDAPI_STATE_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        hosts.start()
    except OSError as error:
        raise NoHostsError(f"No script host can be started: {error}.") from error
    return hosts


def _execution(hosts: ScriptHosts, find: Callable[[str], Script], on_line: Callable[[str], None]) -> Execution:
    def queue_subscript(script: Script, parameters: Mapping[str, str]) -> str:
        on_line(f"[a worker node would now run {script.name} as a job of its own, with {dict(parameters)}]")
        return str(uuid.uuid4())

    def not_begun(why: str) -> None:
        raise NoHostsError(why)

    return Execution(hosts, find, queue_subscript, lambda _, line: on_line(line), not_begun)


def told(error: errors.TriggerError) -> str:
    """An error for the author of the script: what the caller gets, and why."""
    answer = f'Error {error.code} ({error.reason}): the caller gets HTTP {error.status}, "{error.detail}"'
    return "\n".join(part for part in (answer, error.message.rstrip()) if part)
