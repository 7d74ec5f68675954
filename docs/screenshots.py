"""Makes the pictures of docs/guides/console.md (`make screenshots`), with a stack of its own and Chromium."""

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import FloatRect, Page, ViewportSize

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SIZE: ViewportSize = {"width": 1280, "height": 800}
SMALL: ViewportSize = {"width": 360, "height": 720}
PUBLIC_URL = "http://apis.example.com"


@contextmanager
def own_stack() -> Iterator[str]:
    """A running stack with an empty database; its address."""
    with tempfile.TemporaryDirectory() as place:
        from testbed.data_dir import make_data_dir

        data = make_data_dir(Path(place) / "data")
        os.environ |= {
            "UDAPI_DATA_DIR": str(data),
            "DJANGO_SETTINGS_MODULE": "udapi_site.settings",
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
    return World(str(first.pk), str(monitoring.pk), str(encoder.pk), secret)


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
        definition = f"definitions/apidefinition/{world.definition}"
        for visitor, address, name in (
            (light, "", "overview"),
            (light, "definitions/apidefinition/", "definitions"),
            (light, f"{definition}/change/", "configure-api"),
            (light, "tokens/apitoken/", "tokens"),
            (light, f"automation/automationscript/{world.script}/change/", "script"),
            (light, f"automation/automationscript/{world.script}/versions/", "versions"),
            (light, f"automation/automationscript/{world.script}/versions/difference/?old=1", "difference"),
            (dark, f"{definition}/raw/", "raw-view"),
            (light, "events/informationevent/?verb=added", "events"),
            (dark, "automation/workernode/", "nodes"),
            (dark, "", "overview-dark"),
            (small, "", "overview-small"),
        ):
            visitor.page.goto(console + address)
            # A long table says no more by being longer.
            take(visitor.page, name, height=520 if name in ("events", "versions") else None)
        show_trigger(light.page, console, world)
        take(light.page, "trigger")
        wrong = [line for visitor in (dark, light, small) for line in visitor.wrong]
        User.objects.all().delete()
    if wrong:
        sys.exit("\n".join(wrong))


def show_trigger(page: Page, console: str, world: World) -> None:
    """A success and a failure on the trigger page."""
    page.goto(f"{console}trigger/?definition={world.definition}")
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
