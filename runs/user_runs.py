"""Runs that users ask for: a definition or unsaved source, as themselves and without a token.

A request is repeated only to the same definition. Nothing here asks what the user may do.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from automation import history, trial_builds
from automation.builds import Build, BuildState
from automation.models import AutomationScript
from automation.package_plans import requirements_of
from automation.source import ON_API_TRIGGER, RUN, contents
from automation.versions import ScriptKind
from definitions import routes
from definitions.lookups import DefinitionRow, ScriptRow
from definitions.models import ActionType, ApiDefinition, InputType
from endpoint import admission, errors
from endpoint.body import check_utf8
from endpoint.run_note import RunNote, kept_request
from endpoint.trigger_log import TriggerLog
from endpoint.trigger_message import TriggerAnswer, carried_out
from endpoint.trigger_request import TriggerRequest
from foundation.ids import new_run_id, parse_uuid
from foundation.limits import LARGEST_TRIGGER_BODY
from foundation.texts import is_name
from hosts.jobs import Job, RunKind, TrialSource
from objects.changes import refusal
from runs.models import Run
from runs.user_requests import UserRequest

UNNAMED = "unsaved"
"""The name of a script that is tried before it has one."""

TRIED_ROUTE = "trial"
"""The route as called where a trial names none."""

_NO_ID = UUID(int=0)

_NO_VERSION = -1
"""A node that knows nothing of trials looks for this version, and does not run the saved source instead."""

_CHECKED = frozenset({"source", "parameters", "timeout_seconds", "memory_limit_mb"})


@dataclass(frozen=True)
class UserTrial:
    """Unsaved source. `script_id` is that of the stored script that it would be saved as, if there is one."""

    name: str
    source: str = field(repr=False)
    parameters: Sequence[str]
    timeout_seconds: int
    memory_limit_mb: int
    calls_run: bool
    reads_parameters: bool
    script_id: str = ""
    build_again: bool = False
    """Whether packages that could not be installed are tried once more."""


def run_definition(
    definition: ApiDefinition,
    request: UserRequest,
    *,
    user: str,
    client_address: str,
    repeats: Run | None = None,
    caller: socket.socket | None = None,
) -> TriggerAnswer:
    """Run a definition, even a disabled one, and wait for the answer. When `caller` hangs up, the run is cancelled.

    Raises:
        ValidationError: `InvalidField` (+ `field`), there is no such method or version, the version is not ready, a
            header cannot be sent, the route is missing or not the definition's, or `repeats` is no run of it. Nothing
            was run.
    """
    if repeats is not None and repeats.definition_id != definition.pk:
        raise refusal("InvalidField", _("The run to repeat is not one of this API."), field="replayOf")
    called = request.called(_segments(definition, request, repeats), client_address)
    row = admission.row_of(definition, request.script_version)
    if request.script_version is not None and (row.script is None or row.script.version is None):
        rule = _("The script has no version %(version)s.")
        raise refusal("InvalidField", rule, field="scriptVersion", version=request.script_version)
    if request.script_version is not None:
        _refuse_unbuilt(row.script_id, request.script_version)
    kind, parent = (RunKind.TRIAL, "") if repeats is None else (RunKind.REPLAY, str(repeats.pk))
    note = RunNote(new_run_id(), kind, parent_id=parent, user=user, client_address=client_address)
    note.calls(row, called, None)

    def job(log: TriggerLog) -> Job:
        admitted = admission.Admitted(called, None, row, admission.runnable(row))
        note.runs(admitted.script)
        log.script = admitted.script
        return _job(note, admitted, request)

    return _carried_out(note, called, request, caller, job)


def try_source(
    trial: UserTrial, request: UserRequest, *, user: str, client_address: str, caller: socket.socket | None = None
) -> TriggerAnswer:
    """Run source that is not saved, and wait for the answer. When `caller` hangs up, the run is cancelled.

    Raises:
        ValidationError: it could not be saved or published either (`InvalidScript` + `line`, `message`;
            `InvalidActionMeta`; `InvalidField` + `field`), there is no such method, a header cannot be sent, the route
            is invalid, or `PackagesNotReady` (see `automation.trial_builds`). Nothing was run.
    """
    route, segments = _tried_route(request.route)
    called = request.called(segments, client_address)
    script, source = _checked(trial, user)
    row = _tried_row(trial, script, route)
    admitted = admission.Admitted(called, None, row, admission.runnable(row))
    note = RunNote(new_run_id(), RunKind.TRIAL, user=user, client_address=client_address)
    note.record.called_route, note.record.method = called.route, called.method
    script_id = str(parse_uuid(trial.script_id) or "")
    note.record.script_id, note.record.script_name = script_id, script.name

    def job(log: TriggerLog) -> Job:
        made = _job(note, admitted, request)
        return replace(made, script_id=script_id, script_version=_NO_VERSION, trial=source)

    return _carried_out(note, called, request, caller, job)


def _carried_out(
    note: RunNote,
    called: TriggerRequest,
    request: UserRequest,
    caller: socket.socket | None,
    job: Callable[[TriggerLog], Job],
) -> TriggerAnswer:
    log = TriggerLog(note.record.id, request.method.upper(), f"/{routes.PREFIX}{called.route}")
    return carried_out(partial(job, log), len(request.body), note, log, caller, request.trace)


def _job(note: RunNote, admitted: admission.Admitted, request: UserRequest) -> Job:
    body = request.body
    if len(body) > LARGEST_TRIGGER_BODY:
        raise errors.BodyTooLargeError(f"{len(body)} bytes")
    if admitted.request.is_text:
        check_utf8(body)
    kept = kept_request(admitted.definition, admitted.request, body)
    return admission.job(note.record.id, admitted, body, note.origin(kept, request_bytes=len(body), wants_log=True))


def _refuse_unbuilt(script_id: UUID | None, version: int) -> None:
    builds = Build.objects.filter(version__script=script_id, version__number=version)
    if builds.exclude(state=BuildState.READY).exists():
        rule = _("Version %(version)s is not ready: its packages are not installed on all nodes.")
        raise refusal("InvalidField", rule, field="scriptVersion", version=version)


def _segments(definition: ApiDefinition, request: UserRequest, repeats: Run | None) -> tuple[str, ...]:
    """The segments of the route as called."""
    if request.route:
        found = _decoded(request.route)
    elif repeats is not None:
        found = tuple(repeats.called_route.split("/"))
    else:
        found = tuple(definition.route.split("/"))
        if any(map(routes.is_placeholder, found)):
            rule = _("Say which route to call: %(definition)s has placeholders.")
            raise refusal("InvalidField", rule, field="route", definition=definition.route)
    if found is None or not routes.matches(definition.route, found):
        rule = _("The route does not match that of the API, %(definition)s.")
        raise refusal("InvalidField", rule, field="route", definition=definition.route)
    return found


def _decoded(route: str) -> tuple[str, ...] | None:
    """The segments of a route as in a URL; None if there can be no such route."""
    # WSGI hands bytes over as Latin-1, too.
    return routes.request_segments(route.encode().decode("latin-1"))


# --- Unsaved source ---


def _tried_route(given: str) -> tuple[str, tuple[str, ...]]:
    """A definition's route, and the segments as called."""
    try:
        return routes.with_values(given or TRIED_ROUTE)
    except routes.InvalidRouteError as error:
        raise refusal("InvalidField", str(error).replace("%", "%%"), field="route") from error


def _checked(trial: UserTrial, user: str) -> tuple[AutomationScript, TrialSource]:
    """The script as a save would have it, and what goes into the job."""
    script_id = parse_uuid(trial.script_id)
    stored = AutomationScript.objects.filter(pk=script_id).first() if script_id else None
    script = stored or AutomationScript()
    script.name = trial.name if is_name(trial.name) else UNNAMED
    script.kind, script.source, script.parameters = ScriptKind.SCRIPT, trial.source, list(trial.parameters)
    script.timeout_seconds, script.memory_limit_mb = trial.timeout_seconds, trial.memory_limit_mb
    if found := {name: error for name, error in script.faults() if name in _CHECKED}:
        raise ValidationError(found)
    used = history.resolve_libraries(script)
    needed = requirements_of(script.kind, script.source, used)
    environment = trial_builds.environment_for(needed, user, build_again=trial.build_again)
    limits = script.timeout_seconds, script.memory_limit_mb
    libraries = [version.pk for version in used.values()]
    return script, TrialSource(script.source, script.parameters, *limits, libraries, environment)


def _tried_row(trial: UserTrial, script: AutomationScript, route: str) -> DefinitionRow:
    """The definition that would publish the source."""
    entry_points = contents(script.source).entry_points
    action = ActionType.NO_ENTRY_POINT if trial.calls_run else ActionType.AUTOMATION_SCRIPT
    if (entry_point := ApiDefinition.entry_points[action]) not in entry_points:
        rule = _("The script has no function %(entryPoint)s, which the action type calls.")
        raise refusal("InvalidActionMeta", rule, entryPoint=entry_point)
    reads = InputType.PARAMETERS if trial.reads_parameters else InputType.RAW_BODY
    has_api_trigger, has_run = ON_API_TRIGGER in entry_points, RUN in entry_points
    row = ScriptRow(script.pk, script.name, 0, script.parameters, has_api_trigger, has_run)
    input_type = "" if trial.calls_run else reads.value
    return DefinitionRow(_NO_ID, route, action.value, input_type, False, row.id, row, is_allowed=True)
