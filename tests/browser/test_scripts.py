"""Scripts in the browser: the editor, and what it finds."""

import pytest
from playwright.sync_api import expect

from automation.models import AutomationScript

LIST = "automation/automationscript/"


@pytest.fixture
def page(visit):
    """A superuser's browser."""
    return visit()


def write(page, source: str) -> None:
    """Replace what is in the editor."""
    page.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(source)


def test_a_script_is_written_checked_and_saved(page, publish):
    page.goto(f"{LIST}add/")
    page.get_by_label("Name", exact=False).first.fill("written")
    write(page, "def run(engine:\n    pass\n")
    found = page.locator("#found")
    page.get_by_role("tab", name="Problems").click()
    expect(found).to_contain_text("Line 1:")
    expect(page.locator(".cm-lint-marker-error")).to_be_visible()
    write(page, "import numpi\ndef run(engine):\n    engine.script_param(gone)\n")
    problems = found.get_by_role("list", name="Problems").get_by_role("listitem")
    expect(problems).to_contain_text(["Line 1: There is no module numpi", "Line 3: gone is not defined."])
    expect(found).to_contain_text("Checked: syntax, entry points, names, imports.")
    expect(page.locator(".cm-lint-marker-warning")).to_have_count(2)
    expect(page.locator(".cm-lint-marker-error")).to_have_count(0)
    problems.last.get_by_role("button").click()
    expect(page.locator(".cm-activeLine")).to_contain_text("gone")
    write(page, 'def run(engine):\n    engine.script_param("host")\n')
    expect(found).to_contain_text("No problems found.")
    expect(page.locator(".cm-lint-marker-warning")).to_have_count(0)
    expect(page.locator(".tok-keyword").first).to_have_text("def")
    found.get_by_role("button", name="Add them").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="written")).to_be_visible()
    made = AutomationScript.objects.get(name="written")
    assert made.source == 'def run(engine):\n    engine.script_param("host")\n'
    assert made.parameters == ["host"]


def test_a_refused_source_keeps_its_place_in_the_editor(page, publish):
    script = publish.script(name="broken")
    page.goto(f"{LIST}{script.pk}/change/")
    write(page, "x = 1\ny = (\n")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".ud-error").first).to_contain_text("Line 2")
    expect(page.locator(".cm-content")).to_contain_text("y = (")
    page.get_by_role("tab", name="Problems").click()
    page.locator("#found").get_by_role("button", name="Line 2:").click()
    expect(page.locator(".cm-activeLine")).to_contain_text("y = (")
    page.keyboard.type("1)")
    expect(page.locator(".ud-error")).to_have_count(0)
    expect(page.locator(".errornote")).to_have_count(0)
    script.refresh_from_db()
    assert "on_api_trigger" in script.source


def test_it_starts_from_the_demo_and_leads_to_an_api(page, publish):
    page.goto(f"{LIST}add/")
    page.get_by_label("Name", exact=False).first.fill("from the demo")
    page.get_by_role("button", name="Templates").click()
    page.get_by_role("menuitem", name="echo").click()
    expect(page.locator(".cm-content")).to_contain_text("Answers with the body of the request")
    page.keyboard.press("ControlOrMeta+z")
    expect(page.locator(".cm-content")).to_contain_text("What the script does")
    page.keyboard.press("ControlOrMeta+y")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Publish as API").click()
    expect(page.get_by_role("combobox", name="Script")).to_have_value("from the demo")


def test_the_keyboard_gets_out_of_the_editor(page, publish):
    page.goto(f"{LIST}add/")
    page.locator(".cm-content").click()
    page.keyboard.press("Tab")
    expect(page.locator(".cm-content")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator(".cm-content")).not_to_be_focused()


def test_who_may_not_publish_cannot_write_in_a_script_in_use(visit, publish):
    api = publish()
    page = visit("automation.ui_available", "automation.add_edit")
    page.goto(f"{LIST}{api.definition.script_id}/change/")
    expect(page.get_by_text("changing its source needs Automation > Execute")).to_be_visible()
    before = page.locator(".cm-content").text_content()
    page.locator(".cm-content").click()
    page.keyboard.type("x")
    assert page.locator(".cm-content").text_content() == before
    expect(page.get_by_role("link", name="Publish as API")).to_have_count(0)
