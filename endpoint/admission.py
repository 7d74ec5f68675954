"""Admission: from a route and a token to the job that a worker node runs.

Nothing here knows HTTP, because the trigger message is admitted in the same way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import redis

from automation.models import AutomationScript
from automation.source import ON_API_TRIGGER, RUN
from automation.versions import ScriptVersion
from definitions import lookups, routes
from definitions.models import ActionType, ApiDefinition, InputType
from endpoint import errors, parameters
from endpoint.trigger_request import TriggerRequest
from hosts.jobs import Call, EntryPoint, Job, JobKind, Origin
from tokens import rate_limit

_ACTION_TYPES, _INPUT_TYPES, _NO_INPUT = frozenset(ActionType.values), frozenset(InputType.values), frozenset({""})


@dataclass(frozen=True, slots=True)
class Admitted:
    """A trigger that passed checks 8 to 10. A user who runs an API has no token."""

    request: TriggerRequest
    token_id: UUID | None
    definition: lookups.DefinitionRow
    script: lookups.ScriptRow


def count_against_limit(token: lookups.TokenRow) -> None:
    """Check 7 of the contract: every request of a token counts.

    Raises:
        RateLimitExceededError, MessageBrokerNotInitializedError.
    """
    if token.rate_limit is None or token.rate_window_seconds is None:
        return
    try:
        seconds = rate_limit.retry_after(token.id, token.rate_limit, token.rate_window_seconds)
    except redis.RedisError as error:
        raise errors.MessageBrokerNotInitializedError(str(error)) from error
    if seconds:
        raise errors.RateLimitExceededError(headers={"Retry-After": str(seconds)})


def definition_for(request: TriggerRequest, token_id: UUID) -> lookups.DefinitionRow:
    """Checks 8 and 9.

    Raises:
        DefinitionNotFoundError, TokenNotAllowedError.
    """
    definition = lookups.find_definition(request.segments, token_id) if request.segments else None
    if definition is None:
        raise errors.DefinitionNotFoundError("no definition matches the route")
    if not definition.is_allowed:
        raise errors.TokenNotAllowedError(f"token {token_id}, definition {definition.id}")
    return definition


def row_of(definition: ApiDefinition, script_version: int | None = None) -> lookups.DefinitionRow:
    """A definition as its look-up would find it; with `script_version`, as if it were pinned to that one."""
    script = definition.script
    return lookups.DefinitionRow(
        definition.pk,
        definition.route,
        definition.action_type,
        definition.input_type,
        definition.is_disabled,
        definition.script_id,
        None if script is None else _script_row(script, script_version or definition.script_version),
        is_allowed=True,
        keep_bodies=definition.keep_bodies,
        max_concurrent=definition.max_concurrent,
        content_types=frozenset(definition.content_types),
        server_timing=definition.server_timing,
    )


def _script_row(script: AutomationScript, number: int | None) -> lookups.ScriptRow:
    versions = ScriptVersion.objects.filter(script=script, number=number or script.current_version or 0)
    if (version := versions.defer("source").first()) is None:
        return lookups.ScriptRow(script.pk, script.name, None, [], has_api_trigger=False, has_run=False)
    entry_points = version.has_api_trigger, version.has_run
    return lookups.ScriptRow(
        script.pk, script.name, version.number, version.parameters, *entry_points, version.content_hash
    )


def admit(request: TriggerRequest, token_id: UUID | None, definition: lookups.DefinitionRow) -> Admitted:
    """Check 10, and whether the API is enabled.

    Raises:
        ApiDisabledError, InvalidActionTypeError, InvalidActionMetaError, FailedToGetScriptInfoError.
    """
    if definition.is_disabled:
        raise errors.ApiDisabledError(f"definition {definition.id}")
    return Admitted(request, token_id, definition, runnable(definition))


def runnable(definition: lookups.DefinitionRow) -> lookups.ScriptRow:
    """Check 10: the script of a definition that can be carried out as it is stored.

    Raises:
        InvalidActionTypeError, InvalidActionMetaError, FailedToGetScriptInfoError.
    """
    if definition.action_type not in _ACTION_TYPES:
        raise errors.InvalidActionTypeError(f"definition {definition.id}: {definition.action_type}")
    calls_run = _calls_run(definition)
    if definition.script_id is None or definition.input_type not in (_NO_INPUT if calls_run else _INPUT_TYPES):
        raise errors.InvalidActionMetaError(f"definition {definition.id}")
    script = definition.script
    if script is None:
        raise errors.FailedToGetScriptInfoError(f"definition {definition.id}: script {definition.script_id} is gone")
    if script.version is None:
        gone = f"definition {definition.id}: its version of script {script.name!r} ({script.id}) is gone"
        raise errors.FailedToGetScriptInfoError(gone)
    if not (script.has_run if calls_run else script.has_api_trigger):
        lacking = f"version {script.version} of script {script.name!r} ({script.id}) lacks {_entry_point(definition)}"
        raise errors.FailedToGetScriptInfoError(lacking)
    return script


def job(trigger_id: str, admitted: Admitted, body: bytes, origin: Origin | None = None) -> Job:
    """The job of a trigger, after check 13: the body converts if it is read as parameters.

    Raises:
        BodyToParametersConversionFailedError, MissingScriptParametersError.
    """
    definition, script, request = admitted.definition, admitted.script, admitted.request
    return Job(
        id=trigger_id,
        kind=JobKind.TRIGGER,
        script_id=str(script.id),
        script_version=script.version or 0,
        script_name=script.name,
        entry_point=_entry_point(definition),
        parameters=_parameters(definition, script, body),
        call=Call(
            method=request.method,
            route=request.route,
            token_id=str(admitted.token_id or ""),
            query=request.query,
            route_parameters=routes.captured(definition.route, request.segments or ()),
            headers=request.headers,
            client_address=request.client_address,
            is_text=request.is_text,
        ),
        body=b"" if _calls_run(definition) else body,
        content_hash=script.content_hash,
        has_credentials=script.has_credentials,
        origin=origin,
    )


def _parameters(definition: lookups.DefinitionRow, script: lookups.ScriptRow, body: bytes) -> Mapping[str, str]:
    if definition.input_type == InputType.RAW_BODY:
        return {}
    values = parameters.from_body(body)
    missing = [name for name in script.parameters if name not in values]
    if missing and _calls_run(definition):
        raise errors.MissingScriptParametersError(", ".join(missing), parameters=missing)
    return values


def _calls_run(definition: lookups.DefinitionRow) -> bool:
    return definition.action_type == ActionType.NO_ENTRY_POINT


def _entry_point(definition: lookups.DefinitionRow) -> EntryPoint:
    return RUN if _calls_run(definition) else ON_API_TRIGGER
