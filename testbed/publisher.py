"""Publishes scripts for tests, benchmarks and chaos."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Model

from automation.credentials import Credential, CredentialGrant
from automation.models import AutomationScript, Build, LibraryUse, NodeEnvironment, PackageLock, ScriptVersion
from definitions.changes import save_definition
from definitions.content_types import USUAL_TYPES
from definitions.models import ActionType, AllowedToken, ApiDefinition, InputType, RoutePrefix
from events.models import InformationEvent
from logins.models import AttemptCounter
from objects.changes import save_checked
from runs.models import FailingApi, RecordSource, Run, RunBodies, RunCounter, RunLog, RunsNotKept, Series
from search.state import switch
from tokens.models import ApiToken

ECHO = """
from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine

def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    return ApiTriggerOutput(response_body=request.raw_body)
"""

# Who refers to another one comes first.
_PUBLISHED: Sequence[type[Model]] = (
    *(AttemptCounter, AllowedToken, RoutePrefix, ApiDefinition, ApiToken, CredentialGrant, Credential),
    *(Build, NodeEnvironment, PackageLock, LibraryUse, ScriptVersion, AutomationScript),
    *(Run, RunLog, RunBodies, FailingApi, RecordSource, RunsNotKept, RunCounter, Series, InformationEvent),
)

_numbers = itertools.count(1)


@dataclass
class Api:
    """A definition, and the token and secret that may call it."""

    definition: ApiDefinition
    token: ApiToken
    secret: str = field(repr=False)

    @property
    def path(self) -> str:
        return f"/api/custom/{self.definition.route}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}

    def call(
        self, client: httpx.Client, method: str = "POST", path: str | None = None, **options: Any
    ) -> httpx.Response:
        """Trigger the API; `options` are those of `httpx.Client.request`."""
        headers = self.headers | options.pop("headers", {})
        return client.request(method, path or self.path, headers=headers, **options)


class Publisher:
    """Publishes scripts, each under a route of its own."""

    def __call__(
        self,
        source: str = ECHO,
        *,
        route: str | None = None,
        action_type: str = ActionType.AUTOMATION_SCRIPT,
        input_type: str = InputType.RAW_BODY,
        content_types: Sequence[str] = USUAL_TYPES,
        token: tuple[ApiToken, str] | None = None,
        **script: Any,
    ) -> Api:
        """Publish `source`; `script` are fields of the script (`parameters`, `timeout_seconds`, `name`)."""
        with transaction.atomic():
            saved = self.script(source, **script)
            holder, secret = token or self.token()
            definition = ApiDefinition(
                route=route or f"tests/{next(_numbers)}",
                script=saved,
                action_type=action_type,
                input_type="" if action_type == ActionType.NO_ENTRY_POINT else input_type,
                content_types=list(content_types),
            )
            return Api(save_definition(definition, by="system", allowed_tokens=[holder]), holder, secret)

    def script(self, source: str = ECHO, name: str | None = None, **fields: Any) -> AutomationScript:
        return save_checked(
            AutomationScript(name=name or f"script {next(_numbers)}", source=source, **fields), "system"
        )

    def token(self, secret: str | None = None, **fields: Any) -> tuple[ApiToken, str]:
        token = ApiToken(**{"name": f"token {next(_numbers)}"} | fields)
        secret = token.set_secret(secret)
        return save_checked(token, by="system"), secret

    @staticmethod
    def clean() -> None:
        """Delete everything that was published, its runs, and the counters of log-in attempts."""
        if switch.is_on():
            # The mirror learns of what is deleted by signals.
            for mirrored in (AllowedToken, ApiDefinition, ApiToken):
                mirrored.objects.all().delete()
        if connection.vendor == "sqlite":
            tables = [model._meta.db_table for model in _PUBLISHED]
            connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables))
            return
        # Not together: a process of the stack that writes at the same time could wait for one of the rows.
        for model in _PUBLISHED:
            model._base_manager.all()._raw_delete("default")

    @staticmethod
    def forget_people() -> None:
        """Delete the events about the users that a test creates at its start."""
        InformationEvent._base_manager.filter(object_type__in=["User", "PersonalKey"])._raw_delete("default")
