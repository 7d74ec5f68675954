"""What the pictures of the guides show: definitions, tokens, scripts, runs and statistics."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from unittest import mock

import httpx
from django.contrib.auth.models import User
from django.utils import timezone

from automation.credential_changes import save_credential
from automation.credentials import note_use
from automation.models import AutomationScript, Credential
from definitions.changes import save_definition
from definitions.models import ActionType, AllowedToken, ApiDefinition, KeepBodies
from health import probe_result
from objects.changes import save_checked
from runs import store
from runs.models import FleetSample, NodeSample
from testbed.statistics_rows import Habit, add_calls, add_samples, add_together
from tokens.models import ApiToken


@dataclass
class PicturedWorld:
    """What the pictures show."""

    definition: str
    token: str
    script: str
    secret: str


@dataclass(frozen=True)
class PicturedPage:
    """A picture of an address; `visitor` is `light`, `dark` or `small`. A long table needs no `height` of a window."""

    name: str
    address: str
    visitor: str = "light"
    height: int | None = None


def pages(world: PicturedWorld, failed_run: str) -> list[PicturedPage]:
    """The pictures of the guides, in their order."""
    api, token = f"definitions/apidefinition/{world.definition}", f"tokens/apitoken/{world.token}"
    script = f"automation/automationscript/{world.script}"
    jane = User.objects.get(username="jane")
    return [
        PicturedPage("overview", ""),
        PicturedPage("overview-dark", "", "dark"),
        PicturedPage("overview-small", "", "small"),
        PicturedPage("apis", "definitions/apidefinition/", height=400),
        PicturedPage("api", f"{api}/view/"),
        PicturedPage("configure-api", f"{api}/change/"),
        PicturedPage("token", f"{token}/view/", height=520),
        PicturedPage("script", f"{script}/change/"),
        PicturedPage("versions", f"{script}/versions/", height=520),
        PicturedPage("difference", f"{script}/versions/difference/?old=1"),
        PicturedPage("events", "events/informationevent/", height=520),
        PicturedPage("runs", "runs/", height=520),
        PicturedPage("run", f"runs/{failed_run}/"),
        PicturedPage("nodes", "automation/workernode/?range=6h", "dark"),
        PicturedPage("user", f"auth/user/{jane.pk}/view/"),
    ]


ENCODER = '''"""Tells how an encoder is doing, or switches it."""

import json

from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine, RequestMethod


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    state = {"encoder": request.route_parameters["id"], "state": "on", "bitrate": 8_000_000}
    if request.request_method is RequestMethod.PUT:
        state |= json.loads(request.raw_body)
    return ApiTriggerOutput(response_body=json.dumps(state))
'''
IN_MEGABITS = ENCODER.replace('"bitrate": 8_000_000}', '"megabits": 8}').replace(
    "    return", '    engine.log(f"{state}")\n    return'
)
RESTART = '''"""Restarts a playout channel."""


def run(engine):
    engine.log("restarting " + engine.script_param("channel").value)
'''


WITH_PACKAGES = '''"""Reads the page of a device."""

# /// script
# dependencies = [
#     "httpx>=0.27,<1",
#     "lxml",
# ]
# ///

import httpx
import lxml


def run(engine):
    pass
'''


def make_world() -> PicturedWorld:
    """Definitions, tokens and scripts, some of which need attention."""
    User.objects.create_user("jane", first_name="Jane", last_name="Miller", is_superuser=True)

    def token(name: str, **values: object) -> tuple[ApiToken, str]:
        made = ApiToken(**{"name": name, "rate_limit": 60, "rate_window_seconds": 60} | values)
        secret = made.set_secret(secrets.token_hex(32))
        return save_checked(made, "jane"), secret

    monitoring, secret = token("Monitoring west")
    scheduler, _ = token("Scheduler", rate_limit=None, rate_window_seconds=None)
    old, _ = token("Old set-top portal", is_disabled=True)
    encoder = save_checked(AutomationScript(name="Encoder status", source=ENCODER), "jane")
    encoder.source, encoder.version_note = IN_MEGABITS, "Tells the bitrate in Mbit/s, as the players do"
    save_checked(encoder, "jane")
    encoder.timeout_seconds, encoder.version_note = 10, "No encoder takes longer"
    save_checked(encoder, "sam")
    restart = save_checked(AutomationScript(name="Restart channel", source=RESTART, parameters=["channel"]), "jane")
    first = ApiDefinition(
        name="Encoder", description="State of an encoder; PUT changes it.", route="encoders/{id}/status", script=encoder
    )
    save_definition(first, "jane", [monitoring, scheduler])
    plan = [
        ("Restart a channel", "channels/{channel}/restart", restart, [scheduler]),
        ("Tickets", "tickets/open", encoder, [old]),
        ("", "reports/monthly", encoder, []),
    ]
    for name, route, script, allowed in plan:
        kind = ActionType.NO_ENTRY_POINT if script is restart else ActionType.AUTOMATION_SCRIPT
        made = ApiDefinition(name=name, route=route, script=script, action_type=kind)
        made.input_type = "" if script is restart else made.input_type
        save_definition(made, "jane", allowed)
    _make_credentials(encoder, restart)
    _make_changes(first, monitoring)
    return PicturedWorld(str(first.pk), str(monitoring.pk), str(encoder.pk), secret)


def _make_changes(definition: ApiDefinition, token: ApiToken) -> None:
    """What *Changes* and *Events* show before and after."""
    token.rate_limit = 90
    save_checked(token, "sam")
    definition.max_concurrent, definition.keep_bodies = 4, KeepBodies.FAILURES
    save_checked(definition, "jane")


def make_statistics() -> None:
    """A year of calls; a few hours ago, one API failed for a while."""
    habits = {
        "encoders/{id}/status": Habit(900, 35, trouble=(340, 250)),
        "channels/{channel}/restart": Habit(60, 1_800, failing=0.02),
        "tickets/open": Habit(240, 120, refused=0.03, days=2),
    }
    for number, allowed in enumerate(AllowedToken.objects.select_related("definition").order_by("pk")):
        definition = allowed.definition
        add_calls(habits[definition.route], definition.pk, allowed.token_id, definition.script_id, seed=number)
    add_together()
    for model in (FleetSample, NodeSample):
        model.objects.all().delete()
    add_samples({1: 4})


def reach_public_url() -> None:
    """Whoever reads the guides has a public URL that leads to their installation; the one in the pictures does not."""
    with mock.patch.object(probe_result, "fault_of", return_value=""):
        probe_result.probe()


def _make_credentials(encoder: AutomationScript, restart: AutomationScript) -> None:
    """Two credentials, one of which was used."""
    for name, text, scripts in (
        ("smtp", "The mail server; changes every January", [encoder, restart]),
        ("playout", "", [restart]),
    ):
        credential = Credential(name=name, description=text)
        credential.set_value(secrets.token_hex(16))
        save_credential(credential, "jane", scripts)
    note_use([credential.pk], timezone.now() - timedelta(minutes=7))


def make_runs(url: str, world: PicturedWorld) -> str:
    """Calls of an encoder, the last of which fails; returns its id."""
    headers = {"Authorization": f"Bearer {world.secret}", "Content-Type": "application/json"}
    with httpx.Client(base_url=f"{url}/api/custom/encoders/", headers=headers, timeout=30) as client:
        calls = [("GET", number, "") for number in range(7, 12)] + [("PUT", 9, '{"state": "off"}'), ("PUT", 8, "off")]
        for method, number, body in calls:
            answer = client.request(method, f"{number}/status", content=body)
        store.store_all()
    return str(answer.headers["X-Trigger-Id"])
