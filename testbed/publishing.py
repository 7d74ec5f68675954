"""Publishing scripts for tests."""

import itertools
from dataclasses import dataclass, field
from typing import Any

import httpx

from automation.models import AutomationScript
from definitions.changes import save_definition
from definitions.models import ActionType, AllowedToken, ApiDefinition, InputType
from events.models import InformationEvent
from logins.models import AttemptCounter
from objects.changes import save_checked
from tokens.models import ApiToken

ECHO = """
from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine

def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    return ApiTriggerOutput(response_body=request.raw_body)
"""

_numbers = itertools.count(1)


@dataclass
class Api:
    """A published script and a token that may call it."""

    definition: ApiDefinition
    token: ApiToken
    secret: str = field(repr=False)

    @property
    def path(self) -> str:
        """The path of the API."""
        return f"/api/custom/{self.definition.route}"

    @property
    def headers(self) -> dict[str, str]:
        """What lets a client in."""
        return {"Authorization": f"Bearer {self.secret}"}

    def call(self, client: httpx.Client, method: str = "POST", path: str | None = None, **options: Any):
        """Trigger the API; `json`, `content`, `headers`, `params` as httpx has them."""
        headers = self.headers | options.pop("headers", {})
        return client.request(method, path or self.path, headers=headers, **options)


class Publisher:
    """Publishes scripts under routes of their own."""

    def __call__(
        self,
        source: str = ECHO,
        *,
        route: str | None = None,
        action_type: str = ActionType.AUTOMATION_SCRIPT,
        input_type: str = InputType.RAW_BODY,
        token: tuple[ApiToken, str] | None = None,
        **script: Any,
    ) -> Api:
        """Publish `source`; further arguments go to the script (`parameters`, `timeout_seconds`, `name`)."""
        saved = self.script(source, **script)
        holder, secret = token or self.token()
        definition = ApiDefinition(
            route=route or f"tests/{next(_numbers)}",
            script=saved,
            action_type=action_type,
            input_type="" if action_type == ActionType.NO_ENTRY_POINT else input_type,
        )
        return Api(save_definition(definition, by="system", allowed_tokens=[holder]), holder, secret)

    def script(self, source: str = ECHO, name: str | None = None, **fields: Any) -> AutomationScript:
        """Save a script."""
        return save_checked(
            AutomationScript(name=name or f"script {next(_numbers)}", source=source, **fields), "system"
        )

    def token(self, secret: str | None = None, **fields: Any) -> tuple[ApiToken, str]:
        """A token and its secret."""
        token = ApiToken(**{"name": f"token {next(_numbers)}"} | fields)
        secret = token.set_secret(secret)
        return save_checked(token, by="system"), secret

    @staticmethod
    def clean() -> None:
        """Remove everything that was published, and the counts of log-in attempts."""
        AttemptCounter.objects.all().delete()
        AllowedToken.objects.all().delete()
        ApiDefinition.objects.all().delete()
        ApiToken.objects.all().delete()
        AutomationScript.objects.all().delete()
        InformationEvent._base_manager.all()._raw_delete("default")

    @staticmethod
    def forget_people() -> None:
        """Remove the events of the users with whom a test begins."""
        InformationEvent._base_manager.filter(object_type__in=["User", "PersonalKey"])._raw_delete("default")
