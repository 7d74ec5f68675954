"""Trying a script before it is published: the way of a trigger, without queue, database and Redis."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import UUID

from django.conf import settings

from automation.granted import GrantedCredential
from automation.sdk import is_text
from automation.source import ON_API_TRIGGER, RUN, has_entry_point
from definitions import routes
from definitions.lookups import DefinitionRow, ScriptRow
from definitions.models import ActionType, InputType
from endpoint import admission, errors
from endpoint.body import check_utf8
from endpoint.dispatch import succeeded
from endpoint.script_files import ScriptFile, UnusableScriptError
from endpoint.trigger_request import TriggerRequest, content_type, visible_headers
from fleet import confinement
from fleet.answer import Answer, answer_of
from fleet.execution import Execution, Granted
from fleet.local_packages import LocalPackages
from fleet.run_spans import placed
from fleet.script_cache import NoScriptError
from foundation.ids import new_run_id
from foundation.traceparent import NO_TRACE, TraceContext
from hosts.jobs import Assignment, Library, Script
from hosts.package_builds import BuildError
from hosts.script_hosts import ScriptHosts

_NO_ID = UUID(int=0)
_NODE = 0
_NO_VERSION = 0


class NoHostsError(Exception):
    """Why no script can run on this machine."""


@dataclass(frozen=True, slots=True)
class Tryout:
    """A script file, and the request that a caller would send to it.

    `route` is the definition's, with the caller's value in each placeholder: `encoders/{id=7}/status`.
    A script with both entry points is called at `on_api_trigger` unless `calls_run`. Each script can read all of the
    `credentials`, values by name.
    """

    file: Path
    method: str
    route: str
    query: list[tuple[str, str]]
    body: bytes = field(repr=False)
    reads_parameters: bool
    calls_run: bool
    timeout_seconds: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    trace: TraceContext = NO_TRACE

    def run(self, packages: LocalPackages, on_line: Callable[[str], None]) -> Answer:
        """The script's answer; `on_line` gets each line it prints.

        A subscript or library NAME is the file NAME.py beside it. Each script has its `packages`.

        Raises:
            UnusableScriptError: it cannot be read, does not compile, has no entry point, or needs a library or packages
                that cannot be used.
            InvalidRouteError: the route is invalid, or lacks the value of a placeholder.
            NoHostsError: no process can be started for it.
            TriggerError: the trigger ends in this error.
        """
        script = self._read(self.file, packages)
        job = placed(admission.job(new_run_id(), self._admitted(script), self.body), self.trace)
        hosts = _started_hosts(packages)
        try:
            execution = _execution(hosts, partial(self._beside, packages), self._granted, on_line)
            result = execution.run(Assignment(job, script, self.timeout_seconds))
        finally:
            hosts.stop()
        return succeeded(answer_of(result, _NODE))

    def _admitted(self, script: Script) -> admission.Admitted:
        route, called = routes.with_values(self.route)
        has_api_trigger = has_entry_point(script.source, ON_API_TRIGGER)
        action_type, input_type = ActionType.NO_ENTRY_POINT.value, ""
        if has_api_trigger and not self.calls_run:
            action_type = ActionType.AUTOMATION_SCRIPT.value
            input_type = (InputType.PARAMETERS if self.reads_parameters else InputType.RAW_BODY).value
        row = ScriptRow(_NO_ID, script.name, script.version, [], has_api_trigger, script.has_run)
        definition = DefinitionRow(_NO_ID, route, action_type, input_type, False, row.id, row, is_allowed=True)
        has_text = self._has_text()
        request = TriggerRequest(self.method, called, self.query, visible_headers(self.headers), is_text=has_text)
        return admission.Admitted(request, _NO_ID, definition, admission.runnable(definition))

    def _has_text(self) -> bool:
        """Whether the body is text: as its content type says, and without one, whether it is UTF-8."""
        sent_type = content_type(self.headers)
        if sent_type and not is_text(sent_type):
            return False
        try:
            check_utf8(self.body)
        except errors.FailedToReadBodyError:
            if sent_type:
                raise
            return False
        return True

    def _granted(self, _script_id: str) -> Mapping[str, GrantedCredential]:
        return {name: GrantedCredential("", value) for name, value in self.credentials.items()}

    def _beside(self, packages: LocalPackages, name: str) -> Script:
        try:
            # `with_name` refuses a slash, which would lead to another directory.
            return self._read(self.file.with_name(f"{name}.py"), packages)
        except (UnusableScriptError, ValueError) as error:
            raise NoScriptError(f"there is no script {name}: {error}") from error

    def _read(self, file: Path, packages: LocalPackages) -> Script:
        found = ScriptFile.read(file)
        has_run = has_entry_point(found.source, RUN)
        if not has_run and not has_entry_point(found.source, ON_API_TRIGGER):
            raise UnusableScriptError(f"{file} has no function {ON_API_TRIGGER}(engine, request) or {RUN}(engine).")
        return Script(
            str(_NO_ID),
            file.stem,
            _NO_VERSION,
            found.source,
            timeout_seconds=self.timeout_seconds,
            has_run=has_run,
            libraries=tuple(Library(name, _NO_VERSION, one.source) for name, one in found.libraries.items()),
            environment=_environment(file, found, packages),
        )


def _environment(file: Path, found: ScriptFile, packages: LocalPackages) -> str:
    try:
        return packages.environment(found.needed)
    except BuildError as error:
        raise UnusableScriptError(f"The packages of {file} cannot be installed: {error}") from error


def _started_hosts(packages: LocalPackages) -> ScriptHosts:
    paths = confinement.configured_paths()
    hosts = ScriptHosts(state_dir=settings.UDAPI_STATE_DIR, paths=paths, environments=packages.store)
    try:
        settings.UDAPI_STATE_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        hosts.start()
    except OSError as error:
        raise NoHostsError(f"No script host can be started: {error}.") from error
    return hosts


def _execution(
    hosts: ScriptHosts, find: Callable[[str], Script], granted: Granted, on_line: Callable[[str], None]
) -> Execution:
    def queue_subscript(_: Assignment, script: Script, parameters: Mapping[str, str]) -> str:
        on_line(f"[a worker node would now run {script.name} as a job of its own, with {dict(parameters)}]")
        return new_run_id()

    def not_begun(why: str) -> None:
        raise NoHostsError(why)

    def said(_: Assignment, text: str) -> None:
        on_line(f"[information] {text}")

    return Execution(hosts, find, queue_subscript, lambda _, line: on_line(line), said, not_begun, granted=granted)


def told(error: errors.TriggerError) -> str:
    """An error for the author of the script: what the caller gets, and why."""
    answer = f'Error {error.code} ({error.reason}): the caller gets HTTP {error.status}, "{error.detail}"'
    return "\n".join(part for part in (answer, error.message.rstrip()) if part)
