"""The page Code of a script: the editor fills the window, and its panel says what a save would do to APIs."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import findings
from tests.browser.test_script_versions import sideways, write

LIST = "automation/automationscript/"
SIZES = ((1440, 900), (768, 1024))


def share_of_window(page) -> float:
    """How much of the window's height the editor has; the page must not scroll."""
    scrolls = "document.documentElement.scrollHeight - innerHeight"
    assert page.evaluate(scrolls) <= 0
    return float(page.evaluate("document.querySelector('.cm-editor').offsetHeight / innerHeight"))


@pytest.fixture
def page(visit):
    """A superuser's browser."""
    return visit(reduced_motion="reduce", viewport={"width": 1440, "height": 900})


def test_the_editor_fills_the_window_and_says_what_a_save_breaks(page, publish):
    api = publish("def on_api_trigger(engine, request):\n    pass\n", route="live/route")
    script, summary = api.definition.script, page.locator("#found-summary")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{LIST}{script.pk}/change/")
        expect(summary).to_have_text("No problems found")
        assert share_of_window(page) >= 0.6
        assert sideways(page) <= 0
    wrong = findings(page)
    # The panel is below the editor, and opens where it is used.
    expect(page.get_by_role("tabpanel")).to_have_count(0)
    write(page, "def run(engine):\n    return gone\n")
    expect(summary).to_have_text("Saving affects 1 API · 1 problem")
    summary.click()
    panel = page.get_by_role("tabpanel", name="Problems")
    expect(panel.get_by_role("list", name="What saving does to APIs")).to_contain_text("no longer has on_api_trigger")
    expect(panel.get_by_role("link", name="live/route")).to_be_visible()
    expect(panel).not_to_contain_text("No problems found")
    expect(page.get_by_role("tab", name="Problems 2")).to_be_visible()
    page.set_viewport_size({"width": 1440, "height": 900})
    wrong += findings(page)
    # The tabs of the panel by keyboard.
    page.get_by_role("tab", name="Problems").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="SDK")).to_be_focused()
    page.get_by_label("Search the SDK").fill("remaining")
    write(page, "def run(engine):\n    ")
    page.get_by_role("button", name="Insert remaining_seconds").click()
    expect(page.locator(".cm-content")).to_contain_text("engine.remaining_seconds")
    expect(page.locator(".cm-content")).to_be_focused()
    page.get_by_role("tab", name="SDK").focus()
    page.keyboard.press("End")
    expect(page.get_by_role("tabpanel", name="Used by").get_by_role("link", name="live/route")).to_be_visible()
    wrong += findings(page)
    split = page.get_by_role("separator", name="Size of the panel")
    before = int(split.get_attribute("aria-valuenow") or 0)
    split.focus()
    page.keyboard.press("ArrowLeft")
    expect(split).to_have_attribute("aria-valuenow", str(before + 24))
    page.get_by_role("button", name="Panel").click()
    expect(page.get_by_role("tabpanel")).to_have_count(0)
    # Settings without losing the source, and back with the browser.
    page.get_by_role("link", name="Settings").click()
    expect(page).to_have_url(re.compile(r"\?tab=settings$"))
    expect(page.locator(".cm-content")).to_be_hidden()
    page.get_by_label("Time-out (seconds)").fill("0")
    wrong += findings(page)
    page.go_back()
    expect(page.locator(".cm-content")).to_contain_text("engine.remaining_seconds")
    with page.expect_navigation():
        page.keyboard.press("Control+s")
    # The part with the error comes to the front, with the source still there.
    expect(page.get_by_label("Time-out (seconds)")).to_be_visible()
    page.get_by_role("link", name="Code").click()
    expect(page.locator(".cm-content")).to_contain_text("engine.remaining_seconds")
    assert not wrong, "\n".join(wrong)


def test_a_phone_has_a_full_screen_and_saving_at_hand(page, publish):
    script = publish.script(name="small")
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(f"{LIST}{script.pk}/change/")
    assert sideways(page) <= 0
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_in_viewport()
    wrong = findings(page)
    page.get_by_role("button", name="Full screen").click()
    assert page.locator(".cm-editor").bounding_box()["height"] >= 500
    write(page, "def run(engine):\n    pass\n")
    with page.expect_navigation():
        page.get_by_role("button", name="Save", exact=True).click()
    script.refresh_from_db()
    assert script.current_version == 2
    for kind in ("dependencies", "uses", "credentials", "runs", "versions"):
        page.goto(f"{LIST}{script.pk}/{kind}/")
        assert sideways(page) <= 0, kind
        wrong += findings(page)
    assert not wrong, "\n".join(wrong)
