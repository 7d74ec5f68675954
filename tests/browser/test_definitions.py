"""The definitions in the browser: their list and their form."""

import re

import pytest
from playwright.sync_api import expect

from definitions.changes import save_definition
from definitions.models import ApiDefinition
from objects.changes import save_checked
from tokens.models import ApiToken

LIST, ADD = "definitions/apidefinition/", "definitions/apidefinition/add/"
RUN = '"""Runs a thing."""\n\ndef run(engine):\n    pass\n'
ANSWERS = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body="{}")
"""
READERS = ("definitions.ui_available", "tokens.ui_available", "automation.ui_available")


@pytest.fixture
def page(visit):
    """A superuser's browser, which may use the clipboard."""
    return visit(permissions=["clipboard-read", "clipboard-write"])


def change(definition: ApiDefinition) -> str:
    return f"{LIST}{definition.pk}/change/"


def test_an_existing_script_is_published_and_answers(page, publish, stack):
    publish.script(name="needle")
    publish.script(RUN, name="hay")
    page.goto(ADD)
    page.get_by_label("Route").fill("made/in/browser")
    expect(page.locator("#route-check")).to_contain_text("This route is free")
    page.get_by_role("combobox", name="Script").fill("need")
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".ud-script")).to_contain_text("on_api_trigger")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("Name", exact=False).last.fill("from the form")
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("#new-token-secret")).not_to_be_empty()
    secret = page.locator("#new-token-secret").text_content() or ""
    page.keyboard.press("Escape")
    expect(page.locator("#new-token-secret")).to_have_text(secret)
    page.locator("#new-token").get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.get_by_role("button", name="I have saved it").click()
    expect(page.locator("#new-token-secret")).to_be_empty()
    assert secret not in page.content()
    assert secret not in page.url
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/view/")
    answer = stack.client.post(
        "/api/custom/made/in/browser",
        content="hello",
        headers={"Authorization": f"Bearer {secret}", "Content-Type": "text/plain"},
    )
    assert (answer.status_code, answer.text) == (200, "hello")
    made = ApiToken.objects.get(name="from the form")
    assert (made.rate_limit, made.rate_window_seconds) == (60, 60)


def test_a_refused_new_token_says_why_and_loses_nothing(page, publish):
    page.goto(ADD)
    page.get_by_label("Route").fill("typed")
    page.get_by_role("button", name="New token").click()
    page.locator("#new-token-name").fill("  ")
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("[data-problem]")).to_contain_text("A name of 1 to 200 characters")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_label("Route")).to_have_value("typed")
    assert not ApiToken.objects.exists()


def test_the_route_is_checked_while_the_user_types(page, publish):
    other = publish(route="ticket/{id}").definition
    page.goto(ADD)
    route, check = page.get_by_label("Route"), page.locator("#route-check")
    route.fill("a//b")
    expect(check).to_contain_text("empty segment")
    expect(route).to_have_attribute("aria-invalid", "true")
    route.fill("Ticket/{other}")
    expect(check.get_by_role("link")).to_have_attribute("href", re.compile(str(other.pk)))
    route.fill("ticket/open")
    expect(check).to_contain_text("Takes precedence over:")
    expect(route).to_have_attribute("aria-invalid", "false")


def test_a_missing_entry_point_is_named_beside_the_choice(page, publish):
    publish.script(RUN, name="only run")
    page.goto(ADD)
    page.get_by_role("combobox", name="Script").click()
    page.get_by_role("option", name="only run").click()
    expect(page.locator(".ud-docstring")).to_have_text("Runs a thing.")
    expect(page.get_by_text("The script has no function on_api_trigger.")).to_be_visible()
    expect(page.locator("[data-entry-point=run] input")).to_be_checked()
    expect(page.locator("#input-type")).to_be_hidden()


def test_tokens_are_searched_and_shown_selected_only(page, publish):
    api = publish(token=publish.token(name="chosen one"))
    publish.token(name="another")
    page.goto(change(api.definition))
    rows = page.locator(".ud-token:visible")
    expect(rows).to_have_count(2)
    page.get_by_label("Show selected only").check()
    expect(rows).to_have_count(1)
    page.get_by_label("Show selected only").uncheck()
    page.get_by_role("searchbox", name="Search tokens by name").fill("anoth")
    expect(rows).to_have_count(1)
    page.get_by_role("checkbox", name="another").check()
    expect(page.locator("[data-count]")).to_have_text("2 tokens selected")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/view/")
    assert api.definition.allowed_tokens.count() == 2


def test_the_list_is_searched_while_the_user_types(page, publish):
    publish(route="tests/needle")
    publish(route="tests/hay")
    page.goto(LIST)
    rows = page.locator("tr.data-row")
    expect(rows).to_have_count(2)
    page.get_by_role("searchbox").press_sequentially("needle")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?q=needle$"))
    page.reload()
    expect(rows).to_have_count(1)
    page.get_by_role("searchbox").fill("nothing")
    expect(page.get_by_text("Nothing matches your search and filters.")).to_be_visible()
    page.get_by_role("link", name="Reset search and filters").click()
    expect(rows).to_have_count(2)


def test_url_and_curl_are_copied(page, publish):
    publish(route="tests/copied")
    page.goto(LIST)
    page.get_by_role("button", name="Copy URL of tests/copied").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.endsWith('/api/custom/tests/copied'))")
    page.get_by_role("button", name="Copy tests/copied as curl").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.includes('Bearer $TOKEN'))")


def test_an_api_is_pinned_to_a_version_and_switched_off_and_on(page, publish, stack):
    api = publish(ANSWERS.format("one"), route="tests/pinned", name="first")
    script = api.definition.script
    script.source, script.version_note = ANSWERS.format("two") + RUN, "answers two"
    save_checked(script, by="jane")
    publish.script(name="second")
    page.goto(change(api.definition))
    version = page.get_by_label("Version", exact=True)
    expect(version.get_by_role("option")).to_contain_text(["Current (version 2)", "2 · ", "1 · "])
    expect(version.get_by_role("option").nth(1)).to_contain_text("UTC · jane · answers two")
    version.select_option("1")
    expect(page.get_by_text("The version has no function run.")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/view/")
    page.goto(LIST)
    expect(page.locator(".field-script_called")).to_contain_text("first @ 1")
    assert api.call(stack.client).text == "one"

    page.get_by_role("button", name="Actions for tests/pinned").click()
    page.get_by_role("menuitem", name="Disable").click()
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    assert api.call(stack.client).json()["errors"][0]["errorCode"] == 2009
    page.get_by_role("link", name="Try tests/pinned").click()
    expect(page.get_by_text("This API is disabled for clients. You can run it.")).to_be_visible()
    page.goto(LIST)
    page.get_by_role("switch").click()
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    assert api.call(stack.client).text == "one"

    page.goto(change(api.definition))
    expect(version).to_have_value("1")
    page.get_by_role("combobox", name="Script").fill("second")
    expect(page.get_by_role("option", name="second")).to_be_visible()
    page.keyboard.press("Enter")
    expect(version).to_have_value("")
    expect(version.get_by_role("option")).to_contain_text(["Current (version 1)", "1 · "])
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/view/")
    api.definition.refresh_from_db()
    assert (api.definition.script.name, api.definition.script_version) == ("second", None)


def test_a_selection_of_definitions_is_deleted_after_a_question(page, publish):
    for name in ("a", "b", "c"):
        publish(route=f"tests/{name}")
    page.goto(LIST)
    for number in range(2):
        page.locator("input.action-select").nth(number).check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_text("This can't be undone")).to_be_visible()
    expect(page.get_by_text("None of them was ever called.")).to_be_visible()
    page.get_by_role("button", name="Delete 2 APIs").click()
    # The question has the address of the list.
    expect(page.locator("tr.data-row")).to_have_count(1)
    assert list(ApiDefinition.objects.values_list("route", flat=True)) == ["tests/c"]


def test_the_later_editor_is_warned_and_loses_nothing(page, publish):
    api = publish(route="tests/both")
    page.goto(change(api.definition))
    page.get_by_label("Name", exact=True).fill("mine")
    api.definition.name = "theirs"
    save_definition(api.definition, by="somebody else")
    page.get_by_role("button", name="Save", exact=True).click()
    warning = page.locator(".ud-conflict")
    expect(warning).to_contain_text("somebody else has changed it")
    expect(warning.get_by_role("row", name="Name")).to_contain_text("theirs")
    expect(page.get_by_label("Name", exact=True)).to_have_value("mine")
    page.get_by_label("Name", exact=True).press("Enter")
    page.wait_for_load_state()
    expect(warning.get_by_role("row", name="Name")).to_contain_text("theirs")
    page.get_by_role("button", name="Overwrite with mine").click()
    page.wait_for_url("**/view/")
    api.definition.refresh_from_db()
    assert api.definition.name == "mine"


def test_the_form_works_with_the_keyboard_alone(page, publish):
    script = publish.script(name="by keyboard")
    page.goto(ADD)
    page.locator("#id_route").focus()
    page.keyboard.type("tests/keys")
    while page.evaluate("document.activeElement.id") != "id_script":
        page.keyboard.press("Tab")
    page.keyboard.type("keyb")
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".ud-script")).to_be_visible()
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Save", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/view/")
    assert ApiDefinition.objects.get(route="tests/keys").script == script


def test_viewers_are_offered_no_changes(visit, publish):
    api = publish(route="tests/seen")
    page = visit(*READERS)
    page.goto(LIST)
    expect(page.get_by_text("tests/seen")).to_be_visible()
    page.locator("input.action-select").check()
    expect(page.locator(".ud-actions button[name=action]")).to_have_text(["Export…"])
    expect(page.get_by_role("link", name="Try tests/seen")).to_have_count(0)
    page.goto(change(api.definition))
    expect(page.get_by_role("button", name="Save", exact=True)).to_have_count(0)
