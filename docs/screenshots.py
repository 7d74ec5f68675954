"""Makes the pictures of the guides (`make screenshots`), with a stack of its own and Chromium."""

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import FloatRect, Page, ViewportSize

if TYPE_CHECKING:
    from automation.models import AutomationScript

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SIZE: ViewportSize = {"width": 1280, "height": 800}
SMALL: ViewportSize = {"width": 360, "height": 720}
PUBLIC_URL = "http://apis.example.com"


@contextmanager
def own_stack() -> Iterator[str]:
    """A running stack with an empty database; its address."""
    with tempfile.TemporaryDirectory() as place:
        from testbed.data_dir import INSTALLATION, make_data_dir

        data = make_data_dir(Path(place) / "data")
        wheels = make_wheels(Path(place) / "wheels")
        os.environ |= {
            "UDAPI_DATA_DIR": str(data),
            "DJANGO_SETTINGS_MODULE": "udapi_site.settings",
            "UDAPI_INSTALLATION": INSTALLATION,
            "UDAPI_WHEELHOUSE": str(wheels),
            # Playwright's event loop runs in this thread.
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
        }
        import django

        django.setup()
        from django.core.management import call_command

        from testbed.stack import Stack

        call_command("migrate", verbosity=0)
        stack = Stack(data, {"UDAPI_PUBLIC_URL": PUBLIC_URL})
        try:
            yield stack.url
        finally:
            stack.stop()


def make_wheels(directory: Path) -> Path:
    """The packages of the script that is built."""
    from testbed.wheels import Wheelhouse

    wheels = Wheelhouse(directory)
    wheels.add("httpx", version="0.28.1", requires=["anyio", "httpcore==1.*"])
    for name, version in (("anyio", "4.12.0"), ("httpcore", "1.0.9"), ("lxml", "6.1.3")):
        wheels.add(name, version=version)
    return directory


@dataclass
class World:
    """What the pictures show."""

    definition: str
    token: str
    script: str
    secret: str


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


def make_world() -> World:
    """Definitions, tokens and scripts, some of which need attention."""
    from django.contrib.auth.models import User

    from automation.models import AutomationScript
    from definitions.changes import save_definition
    from definitions.models import ActionType, ApiDefinition
    from objects.changes import save_checked
    from tokens.models import ApiToken

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
    return World(str(first.pk), str(monitoring.pk), str(encoder.pk), secret)


def _make_credentials(encoder: "AutomationScript", restart: "AutomationScript") -> None:
    """Two credentials, one of which was used."""
    from django.utils import timezone

    from automation.credential_changes import save_credential
    from automation.credentials import note_use
    from automation.models import Credential

    for name, text, scripts in (
        ("smtp", "The mail server; changes every January", [encoder, restart]),
        ("playout", "", [restart]),
    ):
        credential = Credential(name=name, description=text)
        credential.set_value(secrets.token_hex(16))
        save_credential(credential, "jane", scripts)
    note_use([credential.pk], timezone.now() - timedelta(minutes=7))


def make_runs(url: str, world: World) -> str:
    """Calls of an encoder, the last of which fails; returns its id."""
    import httpx

    from runs import store

    headers = {"Authorization": f"Bearer {world.secret}", "Content-Type": "application/json"}
    with httpx.Client(base_url=f"{url}/api/custom/encoders/", headers=headers, timeout=30) as client:
        calls = [("GET", number, "") for number in range(7, 12)] + [("PUT", 9, '{"state": "off"}'), ("PUT", 8, "off")]
        for method, number, body in calls:
            answer = client.request(method, f"{number}/status", content=body)
        store.store_all()
    return str(answer.headers["X-Trigger-Id"])


def take_all(console: str) -> None:
    """Every picture, in the order of the document."""
    from django.contrib.auth.models import User
    from playwright.sync_api import sync_playwright

    from testbed.chromium import launch
    from testbed.visitor import Profiles, Visitor

    with sync_playwright() as playwright, launch(playwright) as browser:
        profiles = Profiles(browser)
        dark = Visitor(profiles, console, (), {"viewport": SIZE, "color_scheme": "dark", "reduced_motion": "reduce"})
        light = Visitor(profiles, console, (), {"viewport": SIZE, "reduced_motion": "reduce"})
        small = Visitor(profiles, console, (), {"viewport": SMALL, "reduced_motion": "reduce"})
        User.objects.update(first_name="Jane", last_name="Miller")
        light.page.goto(console)
        take(light.page, "first-start")
        world = make_world()
        failed = make_runs(console.removesuffix("/console/"), world)
        definition = f"definitions/apidefinition/{world.definition}"
        for visitor, address, name in (
            (light, "", "overview"),
            (light, "definitions/apidefinition/", "definitions"),
            (light, f"{definition}/change/", "configure-api"),
            (light, "tokens/apitoken/", "tokens"),
            (light, f"automation/automationscript/{world.script}/change/", "script"),
            (light, f"automation/automationscript/{world.script}/versions/", "versions"),
            (light, f"automation/automationscript/{world.script}/versions/difference/?old=1", "difference"),
            (light, "automation/credential/", "credentials"),
            (dark, f"{definition}/raw/", "raw-view"),
            (light, "events/informationevent/?verb=added", "events"),
            (light, "runs/", "runs"),
            (light, f"runs/{failed}/", "run"),
            (dark, "automation/workernode/", "nodes"),
            (dark, "", "overview-dark"),
            (small, "", "overview-small"),
        ):
            visitor.page.goto(console + address)
            # A long table says no more by being longer.
            take(visitor.page, name, height=520 if name in ("events", "versions", "runs", "credentials") else None)
        show_build(light.page, console)
        show_trigger(light.page, console, world)
        take(light.page, "trigger")
        wrong = [line for visitor in (dark, light, small) for line in visitor.wrong]
        User.objects.all().delete()
    if wrong:
        sys.exit("\n".join(wrong))


def show_build(page: Page, console: str) -> None:
    """A version with packages that has been built."""
    from automation.models import AutomationScript
    from objects.changes import save_checked

    made = save_checked(AutomationScript(name="Read device", source=WITH_PACKAGES), "jane")
    page.goto(f"{console}automation/automationscript/{made.pk}/versions/1/")
    page.get_by_role("heading", name="Version 1 is current.").wait_for()
    take(page, "build", height=520)


def show_trigger(page: Page, console: str, world: World) -> None:
    """A success and a failure on the trigger page."""
    page.goto(f"{console}trigger/?definition={world.definition}")
    page.get_by_label("Over HTTP").check()
    page.get_by_label("Secret of a token").fill("x" * 40)
    page.get_by_label("{id}").fill("7")
    for secret in ("x" * 40, world.secret):
        page.get_by_label("Secret of a token").fill(secret)
        before = page.locator(".ud-answer").count()
        page.get_by_role("button", name="Trigger", exact=True).click()
        page.wait_for_function(
            "(before) => document.querySelectorAll('.ud-answer:not(.is-waiting)').length > before", arg=before
        )
    page.evaluate("window.scrollTo(0, 0)")


def take(page: Page, name: str, height: int | None = None) -> None:
    """One picture, after animations have ended."""
    page.wait_for_timeout(900)
    part: FloatRect | None = {"x": 0, "y": 0, "width": SIZE["width"], "height": height} if height else None
    page.screenshot(path=IMAGES / f"{name}.png", animations="disabled", clip=part)
    print(f"{name}.png: {(IMAGES / f'{name}.png').stat().st_size // 1000} KB")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    IMAGES.mkdir(exist_ok=True)
    with own_stack() as url:
        take_all(f"{url}/console/")
