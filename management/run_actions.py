"""What users do with runs: run a definition or unsaved source as themselves, cancel, and compare."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import RUN, SCRIPT, Action, allows
from automation.models import DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_SECONDS, AutomationScript
from definitions.models import ActionType, ApiDefinition, InputType
from endpoint.trigger_message import TriggerAnswer
from endpoint.trigger_trace import sent_with
from management.errors import NotFoundError, PermissionDeniedError, RunEndedError, UnavailableError
from management.lists import only
from management.openapi import ID, WITH, Operation
from management.run_differences import ComparisonSerializer, as_comparison
from management.run_views import RunListView, RunView, found_run
from management.trigger import AnswerSerializer, Lists, MessageParser, Unicode
from management.views import ManagementView, checked_values
from objects.serializers import (
    Choice,
    Flag,
    Id,
    ListOf,
    Number,
    StrictSerializer,
    Text,
    Values,
    as_id,
    invalid_field,
)
from runs import cancellation, selection
from runs.bodies import bodies_of
from runs.comparison import compare
from runs.models import Run
from runs.user_requests import UserRequest, repeated
from runs.user_runs import UserTrial, run_definition, try_source
from web.client_address import client_address

_METHOD_HELP = "Get, Put, Post, Delete or Patch, in any case."
_SENT = ("query", "headers", "raw_body", "raw_body_bytes")


class Base64(Unicode):
    """Bytes; null stands for none."""

    expects = "bytes in base64"

    def to_internal_value(self, data: Any) -> bytes:  # type: ignore[override]
        try:
            return base64.b64decode(super().to_internal_value(data), validate=True)
        except ValueError as error:
            raise serializers.ValidationError(self.expects) from error


class SentRequestSerializer(StrictSerializer):
    """What is sent to the script. What is absent counts as empty."""

    method = Unicode(help_text=_METHOD_HELP)
    query = Lists(required=False, allow_null=True)
    headers = Lists(
        required=False, allow_null=True, help_text="The content type says whether the script gets the body as text."
    )
    rawBody = Unicode(help_text="Text, unless a content type says otherwise.")
    rawBodyBytes = Base64(help_text="In base64, instead of rawBody: bytes, unless a content type says otherwise.")

    def validate(self, attrs: Values) -> Values:
        if attrs.get("raw_body") is not None and attrs.get("raw_body_bytes") is not None:
            raise invalid_field("rawBodyBytes", "Send either rawBody or rawBodyBytes.")
        return attrs


class RunRequestSerializer(SentRequestSerializer):
    """What is run: a definition, as the calling user and without a token."""

    definitionId = Id()
    route = Unicode(
        help_text="As in the URL, after /api/custom/. Needed if the route has placeholders and no run is repeated."
    )
    scriptVersion = Number(required=False, allow_null=True, min_value=1, help_text="By default, the definition's.")
    replayOf = Id(
        required=False,
        allow_null=True,
        help_text="A run of this definition to repeat. Without query, headers and body, with what it was sent, as "
        "far as that was kept; this needs Runs > Bodies.",
    )


class TrialRequestSerializer(SentRequestSerializer):
    """Unsaved source, and what is sent to it."""

    name = Unicode(help_text="That of the script; it may have none yet.")
    source = Text(allow_blank=False)  # type: ignore[assignment]  # DRF's metaclass moves it out of the way of its own `source`
    parameters = ListOf(child=Text(allow_blank=False), default=list)
    timeoutSeconds = Number(default=DEFAULT_TIMEOUT_SECONDS)
    memoryLimitMb = Number(default=DEFAULT_MEMORY_MB)
    actionType = Choice(ActionType.values, default=str(ActionType.AUTOMATION_SCRIPT))
    inputType = Choice(InputType.values, default=str(InputType.RAW_BODY))
    route = Unicode(help_text="The route that the script sees; values of placeholders as in `encoders/{id=7}`.")
    buildAgain = Flag(default=False, help_text="Try once more to install packages that could not be installed.")


class RunAnswerSerializer(AnswerSerializer):
    """The answer of `trigger/`, and the id of the run."""

    id = serializers.UUIDField()


class RunsView(RunListView):
    """The runs that are kept, and new ones."""

    actions: ClassVar[Mapping[str, Action]] = {"POST": "add"}
    parser_classes = (MessageParser,)
    operations: ClassVar = RunListView.operations | {
        "post": Operation("runs_create", "Run a definition", RunAnswerSerializer, RunRequestSerializer)
    }

    def post(self, request: Request) -> Response:
        """The answer is 200 even if the run fails; `traceData` has its errors. A disabled API runs, too."""
        values = checked_values(RunRequestSerializer, request)
        definition = _definition(values.get("definition_id"))
        run = _repeated_run(values.get("replay_of"))
        sent = _sent(values) if run is None or _has_request(values) else self._kept(run, values)
        sent = replace(sent, trace=sent_with(request.META))
        return _answer(run_definition(definition, sent, repeats=run, **_who(request)))

    def _kept(self, run: Run, values: Values) -> UserRequest:
        """What the run was sent.

        Raises:
            PermissionDeniedError: the user may not read bodies.
        """
        if not allows(self.request.user, RUN, "replay"):
            raise PermissionDeniedError
        kept = repeated(run, self.user_name)
        return _sent(values, kept)


class RunActionsView(RunView):
    """One run, also if it is not in the database yet."""

    actions: ClassVar[Mapping[str, Action]] = {"DELETE": "cancel"}
    operations: ClassVar = RunView.operations | {
        "delete": Operation("runs_cancel", "Cancel a run", None, status=204, parameters=(ID,), errors=(409,))
    }

    def delete(self, request: Request, key: str) -> Response:
        """A queued run never starts; a running one is killed with all its processes. Its caller gets error 2007."""
        run_id: UUID | None = as_id(key)
        if run_id is None:
            raise NotFoundError
        try:
            cancellation.cancel(run_id, self.user_name)
        except cancellation.NoSuchRunError as error:
            raise NotFoundError from error
        except cancellation.RunOverError as error:
            raise RunEndedError from error
        except cancellation.NoAnswerError as error:
            raise UnavailableError from error
        return Response(status=204)


class RunComparisonView(ManagementView):
    needs = (RUN, "view")
    operations: ClassVar = {
        "get": Operation("runs_compare", "Compare two runs", ComparisonSerializer, parameters=(ID, WITH))
    }

    def get(self, request: Request, key: str) -> Response:
        """Headers and body are compared for users who may read bodies, which leaves an event for each of both runs."""
        other = only(request, (WITH.name,)).get(WITH.name, "")
        if as_id(other) is None:
            raise invalid_field(WITH.name, "The parameter must be the id of a run.")
        runs = found_run(key), found_run(other)
        one, another = ([line.text for line in selection.log_lines(run)[0]] for run in runs)
        may_read = allows(request.user, RUN, "view_bodies")
        bodies = [bodies_of(run, self.user_name) for run in runs] if may_read else []
        return Response(as_comparison(*runs, compare(*runs, (one, another), bodies)))


class TrialView(ManagementView):
    """Runs source that is not saved."""

    needs = (SCRIPT, "try")
    parser_classes = (MessageParser,)
    operations: ClassVar = {
        "post": Operation("scripts_trial", "Try unsaved source", RunAnswerSerializer, TrialRequestSerializer)
    }

    def post(self, request: Request) -> Response:
        """Nothing is saved but the run. The source is checked as if it were saved and published.

        Packages that it declares are installed first: until all nodes have them, the answer is `PackagesNotReady` (409)
        with `build`, `state`, `message` and `log`; ask again until it runs.
        """
        values = checked_values(TrialRequestSerializer, request)
        sent = replace(_sent(values), trace=sent_with(request.META))
        return _answer(try_source(_trial(values), sent, **_who(request)))


def _who(request: Request) -> dict[str, Any]:
    return {
        "user": str(request.user.get_username()),
        "client_address": client_address(request),
        "caller": request.META.get("gunicorn.socket"),
    }


def _answer(told: TriggerAnswer) -> Response:
    return Response({"id": told.statistics.trigger_id} | told.as_json())


def _definition(definition_id: UUID | None) -> ApiDefinition:
    rows = ApiDefinition.objects.select_related("script")
    definition = None if definition_id is None else rows.filter(pk=definition_id).first()
    if definition is None:
        raise invalid_field("definitionId", "There is no such definition.")
    return definition


def _repeated_run(run_id: UUID | None) -> Run | None:
    run = None if run_id is None else selection.find(run_id)
    if run is None and run_id is not None:
        raise invalid_field("replayOf", "There is no such run.")
    return run


def _has_request(values: Values) -> bool:
    return any(values.get(name) is not None for name in _SENT)


def _sent(values: Values, kept: UserRequest | None = None) -> UserRequest:
    """What the body says; what it does not say is as `kept`."""
    sent = kept or UserRequest(
        method="",
        query=_pairs(values.get("query")),
        headers=_pairs(values.get("headers")),
        raw_body=values.get("raw_body") or "",
        raw_body_bytes=values.get("raw_body_bytes"),
    )
    return replace(
        sent,
        method=values.get("method") or sent.method,
        route=values.get("route") or "",
        script_version=values.get("script_version"),
    )


def _pairs(lists: Mapping[str, list[str]] | None) -> list[tuple[str, str]]:
    return [(name, value) for name, values in (lists or {}).items() for value in values]


def _trial(values: Values) -> UserTrial:
    for name, column, known in (("actionType", "action_type", ActionType), ("inputType", "input_type", InputType)):
        if values.get(column, known.values[0]) not in known.values:
            raise invalid_field(name, f"The property is one of: {', '.join(known.values)}.")
    name = values.get("name") or ""
    stored = AutomationScript.objects.filter(name=name).values_list("pk", flat=True).first() if name else None
    return UserTrial(
        name=name,
        source=values.get("source", ""),
        parameters=values.get("parameters", []),
        timeout_seconds=values.get("timeout_seconds", DEFAULT_TIMEOUT_SECONDS),
        memory_limit_mb=values.get("memory_limit_mb", DEFAULT_MEMORY_MB),
        calls_run=values.get("action_type") == ActionType.NO_ENTRY_POINT,
        reads_parameters=values.get("input_type") == InputType.PARAMETERS,
        script_id=str(stored or ""),
        build_again=values.get("build_again", False),
    )
