"""Makes the pictures of the guides (`make screenshots`), with a stack of its own and Chromium."""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import FloatRect, Page, ViewportSize

if TYPE_CHECKING:
    from testbed.pictured_world import PicturedPage, PicturedWorld
    from testbed.visitor import Visitor

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
        stack.start_background()
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


def take_all(console: str) -> None:
    """Every picture, in the order of the document."""
    from django.contrib.auth.models import User
    from playwright.sync_api import sync_playwright

    from testbed import pictured_world
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
        world = pictured_world.make_world()
        failed = pictured_world.make_runs(console.removesuffix("/console/"), world)
        pictured_world.make_statistics()
        take_pages({"light": light, "dark": dark, "small": small}, console, pictured_world.pages(world, failed))
        show_search(light.page, console)
        show_build(light.page, console)
        show_trying(light.page, console, world)
        wrong = [line for visitor in (dark, light, small) for line in visitor.wrong]
        User.objects.all().delete()
    if wrong:
        sys.exit("\n".join(wrong))


def take_pages(visitors: Mapping[str, "Visitor"], console: str, pages: Iterable["PicturedPage"]) -> None:
    """A picture of each page."""
    for picture in pages:
        if not picture.address:
            reach_public_url()
        page = visitors[picture.visitor].page
        page.goto(console + picture.address)
        take(page, picture.name, height=picture.height)


def reach_public_url() -> None:
    """The overview of an installation that works."""
    from testbed import pictured_world

    pictured_world.reach_public_url()


def show_search(page: Page, console: str) -> None:
    """What the search of everything finds."""
    page.goto(f"{console}definitions/apidefinition/")
    page.keyboard.press("Control+k")
    page.keyboard.type("enco")
    page.locator("#palette-results [role=option]").first.wait_for()
    take(page, "search", height=520)


def show_build(page: Page, console: str) -> None:
    """A version with packages that has been built."""
    from automation.models import AutomationScript
    from objects.changes import save_checked
    from testbed.pictured_world import WITH_PACKAGES

    made = save_checked(AutomationScript(name="Read device", source=WITH_PACKAGES), "jane")
    page.goto(f"{console}automation/automationscript/{made.pk}/versions/1/")
    page.get_by_role("heading", name="Version 1 is current.").wait_for()
    take(page, "build", height=520)


def show_trying(page: Page, console: str, world: "PicturedWorld") -> None:
    """A failure over HTTP beside a success as oneself."""
    page.goto(f"{console}definitions/apidefinition/{world.definition}/try/")
    page.get_by_label("{id}").fill("7")
    page.get_by_label("Over HTTP").check()
    page.get_by_label("Secret of a token").fill("x" * 40)
    send(page)
    page.get_by_label("As me").check()
    send(page)
    page.evaluate("window.scrollTo(0, 0)")
    take(page, "try-it")


def send(page: Page) -> None:
    """Send the request, and wait for its response."""
    before = page.locator(".ud-answer").count()
    page.get_by_role("button", name="Trigger", exact=True).click()
    page.wait_for_function(
        "(before) => document.querySelectorAll('.ud-answer:not(.is-waiting)').length > before", arg=before
    )


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
