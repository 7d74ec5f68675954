"""*Run* beside the editor of a script: the source that is not saved, its log, its answer and its traceback."""

import json

import pytest
from playwright.sync_api import expect

from automation.models import AutomationScript

TELLS = """import json
from automation.sdk import ApiTriggerOutput


def on_api_trigger(engine, request):
    print("one")
    engine.log("two")
    told = {"body": request.raw_body, "parameters": request.parameters, "route": request.route_parameters}
    return ApiTriggerOutput(response_body=json.dumps(told))
"""
FAILS = "def on_api_trigger(engine, request):\n    raise ValueError('no light')\n"


@pytest.fixture
def open_form(visit, console):
    """Opens the form of a new script, or of `script`, with this source in the editor."""

    def open_form(source, script=None, flags=()):
        page = visit(*flags)
        page.goto(f"{console}automation/automationscript/{f'{script.pk}/change' if script else 'add'}/")
        write(page, source)
        return page

    return open_form


def write(page, source):
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)


def answer(page):
    card = page.locator("#try-answer .ud-answer:not(.is-waiting)")
    card.wait_for()
    return card


def test_unsaved_source_of_a_new_script_runs(open_form, stack, stored):
    page = open_form(TELLS)
    page.locator("#try-body").fill("hello")
    page.get_by_text("Route, query and headers").click()
    page.locator("#try-route").fill("encoders/{id=7}")
    page.locator("#try").get_by_role("button", name="Run").click()
    card = answer(page)
    assert '"body": "hello"' in card.locator("pre").first.inner_text()
    assert '"id": "7"' in card.locator("pre").first.inner_text()
    expect(card.get_by_label("Log").locator("li")).to_have_count(2)
    assert "one" in card.get_by_label("Log").inner_text()
    run = stored(card.get_by_role("link", name="Open the run").get_attribute("href").split("/")[-2])
    assert (run.kind, run.token_id, run.definition_id) == ("Trial", None, None)
    assert not AutomationScript.objects.exists()


def test_headers_and_a_form_are_sent(open_form, stack):
    told = "[request.headers.get('x-some'), request.form().get_all('a')]"
    page = open_form(TELLS.replace("json.dumps(told)", f"json.dumps({told})"))
    panel = page.locator("#try")
    panel.get_by_label("Body format").select_option("Form")
    page.locator("#try-body").fill("a=1&a=%20")
    page.get_by_text("Route, query and headers").click()
    page.locator("#try-headers").get_by_label("Name").fill("X-Some")
    page.locator("#try-headers").get_by_label("Value").first.fill("thing")
    panel.get_by_role("button", name="Run", exact=True).click()
    assert json.loads(answer(page).locator("pre").first.inner_text()) == ["thing", ["1", " "]]


def test_parameters_of_the_form_become_fields(open_form, stack):
    page = open_form(TELLS)
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Script parameters").fill("channel\nrate")
    page.get_by_role("link", name="Code").click()
    page.get_by_label("The script gets").select_option("parameters")
    page.locator("#try").get_by_label("channel").fill("one")
    page.locator("#try").get_by_label("rate").fill("2")
    page.locator("#try").get_by_role("button", name="Run").click()
    assert '"channel": "one"' in answer(page).locator("pre").first.inner_text()


def test_a_traceback_leads_to_its_line_and_the_stored_script_stays(open_form, stack, publish):
    script = publish(TELLS).definition.script
    page = open_form(FAILS, script)
    page.keyboard.press("Control+Enter")
    card = answer(page)
    assert "The script failed" in card.inner_text()
    assert "no light" in card.inner_text()
    page.locator(".cm-line").first.click()
    card.get_by_role("button", name="line 2").click()
    expect(page.locator(".cm-activeLine")).to_contain_text("raise ValueError")
    script.refresh_from_db()
    assert script.source == TELLS


def test_source_that_does_not_compile_names_its_line(open_form, stack):
    page = open_form("def on_api_trigger(engine, request):\n    return (\n")
    page.locator("#try").get_by_role("button", name="Run").click()
    card = answer(page)
    assert "InvalidScript" in card.inner_text()
    expect(card.get_by_role("button", name="Line 2")).to_have_count(1)


def test_without_the_flag_to_execute_there_is_no_run(open_form):
    page = open_form(TELLS, flags=("automation.ui_available", "automation.add_edit"))
    assert page.locator("#try").count() == 0
