"""Versions and libraries in the browser: a save, its difference, the way back, and the users of a library."""

import pytest
from playwright.sync_api import expect

from objects.changes import save_checked
from testbed.publisher import ECHO
from tests.browser.test_accessibility import findings

LIST = "automation/automationscript/"
BODY = "".join(f"    # step {number}\n" for number in range(40))
SOURCE = f"def on_api_trigger(engine, request):\n{BODY}    return None\n"
CHANGED = SOURCE.replace("step 20\n", "step twenty\n") + "\n\ndef run(engine):\n    pass\n"


@pytest.fixture
def page(visit):
    """A superuser's browser."""
    return visit(reduced_motion="reduce")


def sideways(page) -> int:
    """By how many pixels the page is too wide."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def write(page, source: str) -> None:
    page.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(source)


def test_a_change_is_compared_and_taken_back(page, publish):
    api = publish(SOURCE, route="watched/route", name="watched")
    script = api.definition.script
    page.goto(f"{LIST}{script.pk}/change/")
    expect(page.get_by_text("Used by 1 API, live at once.")).to_be_visible()
    write(page, CHANGED)
    page.get_by_label("Note").fill("Says twenty in a word")
    with page.expect_navigation():
        page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Versions").click()
    expect(page.get_by_role("row")).to_have_count(3)
    expect(page.get_by_text("Says twenty in a word")).to_be_visible()
    wrong = findings(page)
    page.get_by_role("button", name="Compare the chosen versions").click()
    expect(page.locator("ins")).to_have_text("twenty")
    expect(page.locator("del")).to_have_text("20")
    folded = page.locator("details", has_text="unchanged lines").first
    expect(folded.locator("td").first).to_be_hidden()
    folded.locator("summary").click()
    expect(folded.locator("td").first).to_be_visible()
    wrong += findings(page)
    page.set_viewport_size({"width": 375, "height": 800})
    assert sideways(page) <= 0
    # A new line below the old one.
    assert page.locator("ins").bounding_box()["y"] > page.locator("del").bounding_box()["y"]
    assert page.locator("ins").bounding_box()["x"] < 200
    wrong += findings(page)
    page.get_by_role("link", name="Versions").click()
    expect(page.get_by_text("Says twenty in a word")).to_be_visible()
    assert sideways(page) <= 0
    wrong += findings(page)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("link", name="1", exact=True).click()
    expect(page.locator(".tok-keyword").first).to_have_text("def")
    wrong += findings(page)
    page.get_by_role("button", name="Make version 1 current").click()
    expect(page.get_by_text("Version 1 is current.")).to_be_visible()
    wrong += findings(page)
    script.refresh_from_db()
    assert script.source == SOURCE
    page.get_by_role("link", name="Go back to version 2").click()
    page.get_by_role("button", name="Make current").click()
    expect(page.get_by_text("Version 2 is current.")).to_be_visible()
    page.goto(f"{LIST}{script.pk}/change/")
    write(page, "def run(engine):\n    pass\n")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert").get_by_text("watched/route")).to_be_visible()
    wrong += findings(page)
    with page.expect_navigation():
        page.get_by_role("button", name="Save anyway").click()
    expect(page.get_by_text("Version 3 is current.")).to_be_visible()
    script.refresh_from_db()
    assert (script.current_version, script.has_api_trigger) == (3, False)
    assert not wrong, "\n".join(wrong)


def test_a_library_is_written_used_and_renewed(page, publish):
    page.goto(f"{LIST}add/")
    page.get_by_role("button", name="Templates").click()
    page.get_by_role("menuitem", name="Library").click()
    expect(page.locator(".cm-content")).to_contain_text("def greeting")
    expect(page.locator("#found")).to_contain_text("No problems found.")
    page.get_by_label("Name", exact=False).first.fill("greetings")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/change/")
    library = page.url
    user = publish.script(f"from scripts.greetings import greeting\n{ECHO}", name="polite")
    page.reload()
    told = "Used by 1 script; it keeps the version it was saved with until it is renewed."
    expect(page.locator("#bench").get_by_text(told)).to_be_visible()
    write(page, 'def greeting(name):\n    return "Good day, " + name\n')
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("tab", name="Used by").click()
    expect(page.get_by_text("out of date")).to_be_visible()
    wrong = findings(page)
    page.goto(f"{LIST}{user.pk}/dependencies/")
    expect(page.get_by_text("out of date: 2 is current")).to_be_visible()
    wrong += findings(page)
    page.goto(library.replace("/change/", "/uses/"))
    page.get_by_role("link", name="Renew 1 script").first.click()
    page.get_by_role("button", name="Renew 1 script").wait_for()
    page.set_viewport_size({"width": 375, "height": 800})
    assert sideways(page) <= 0
    wrong += findings(page)
    page.get_by_role("button", name="Renew 1 script").click()
    expect(page.get_by_text("1 script renewed.")).to_be_visible()
    assert sideways(page) <= 0
    user.refresh_from_db()
    assert user.current_version == 2
    # A library in use keeps its name, and says for whom.
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Name", exact=False).first.fill("others")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".ud-error").get_by_role("link", name="polite")).to_be_visible()
    wrong += findings(page)
    save_checked(user, by="system")
    assert not wrong, "\n".join(wrong)
