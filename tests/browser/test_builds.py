"""The build of a version in the browser: followed while it goes on, its end, and a block that the editor offers."""

from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import expect

from testbed.publisher import ECHO
from testbed.wheels import Wheelhouse
from tests.browser.test_accessibility import findings
from tests.browser.test_script_versions import sideways, write

TELLS = """
import trialpkg
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=f"version {trialpkg.version}")
"""
LIST = "automation/automationscript/"


@pytest.fixture
def wheelhouse() -> Wheelhouse:
    """Where the nodes of the tests find packages."""
    return Wheelhouse(Path(str(settings.UDAPI_WHEELHOUSE)))


def test_a_save_is_followed_until_its_version_is_current(building_stack, visit, publish, wheelhouse):
    wheelhouse.add("livepkg")
    script = publish.script(ECHO, name="followed")
    page = visit(reduced_motion="reduce")
    page.goto(f"{LIST}{script.pk}/change/")
    page.get_by_role("button", name="Add packages").click()
    # The name of the package is selected.
    page.keyboard.insert_text("nolivepkg")
    expect(page.locator(".cm-content")).to_contain_text('"nolivepkg"')
    expect(page.get_by_role("button", name="Add packages")).to_be_hidden()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(
        page.get_by_text("Version 2 becomes current as soon as it is built; version 1 runs until then.")
    ).to_be_visible()
    panel = page.locator("#build")
    expect(panel.get_by_role("heading", name="Version 2 is not built")).to_be_visible()
    expect(panel.get_by_role("link", name="Line 4:")).to_be_visible()
    wrong = findings(page)
    write(page, f'# /// script\n# dependencies = ["livepkg"]\n# ///\n{ECHO}')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(panel.get_by_role("heading", name="Version 3 is current.")).to_be_visible()
    expect(panel.get_by_text("livepkg 1.0")).to_be_visible()
    assert panel.get_attribute("data-every") is None
    wrong += findings(page)
    page.set_viewport_size({"width": 375, "height": 800})
    assert sideways(page) <= 0
    page.goto("environments/")
    expect(page.get_by_role("link", name="followed")).to_be_visible()
    assert sideways(page) <= 0
    assert not wrong, "\n".join(wrong)


def test_try_waits_for_packages_and_shows_why_there_are_none(building_stack, visit, wheelhouse):
    page = visit(reduced_motion="reduce")
    page.goto(f"{LIST}add/")
    write(page, f'# /// script\n# dependencies = [\n#   "trialpkg",\n# ]\n# ///{TELLS}')
    press = page.locator("#try").get_by_role("button", name="Run")
    press.click()
    expect(page.locator("#try-answer")).to_contain_text("The packages could not be installed")
    page.locator("#try-answer").get_by_role("button", name="Line 3").click()
    expect(page.locator(".cm-activeLine")).to_contain_text("trialpkg")
    # Another press builds once more.
    wheelhouse.add("trialpkg", version="4.2")
    press.click()
    expect(page.locator("#try-answer .is-waiting")).to_contain_text("The packages are being installed")
    expect(page.locator("#try-answer")).to_contain_text("version 4.2")
