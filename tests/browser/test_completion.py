"""The editor of a script completes the SDK, shows signatures, and has shortcuts to save and to try."""

import re

import pytest
from playwright.sync_api import expect

from automation.models import AutomationScript
from tests.automation.installed_packages import installed
from tests.automation.stored_credentials import stored_credential

LIST = "automation/automationscript/"
START = """from automation.sdk import ApiTriggerOutput, Engine


def on_api_trigger(engine: Engine, request):
    output = ApiTriggerOutput()
    """

BLOCK = '# /// script\n# dependencies = ["lxml"]\n# ///\n'


@pytest.fixture
def editing(visit):
    """Opens the form of a new script, or of `script`, for a superuser, with this source in the editor."""

    def editing(source, script=None, **options):
        page = visit(**options)
        with page.expect_response("**/sdk/"):
            page.goto(f"{LIST}{f'{script.pk}/change' if script else 'add'}/")
        write(page, source)
        return page

    return editing


def write(page, source: str) -> None:
    """Replace what is in the editor."""
    page.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(source)


def offers(page, source: str, typed: str, *labels: str) -> None:
    """After this source and these keys, of which the last counts, the list must offer all of `labels`."""
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(source + typed[:-1])
    page.keyboard.type(typed[-1])
    options = page.get_by_role("listbox", name="Completions").get_by_role("option").locator(".cm-completionLabel")
    for label in labels:
        # Asks more often than `expect`.
        options.get_by_text(label, exact=True).first.wait_for(state="attached")


def choose(page) -> None:
    """Choose what is selected in the list, which ignores keys in its first 75 milliseconds."""
    expect(page.locator(".cm-content")).to_have_attribute("aria-activedescendant", re.compile("."))
    page.wait_for_timeout(100)
    page.keyboard.press("Enter")
    expect(page.get_by_role("listbox")).to_have_count(0)


def source_of(page) -> str:
    return str(page.locator("#id_source").input_value())


def test_members_names_and_imports_are_completed(editing, publish):
    publish.script("def greeting(): pass\n", name="tools", kind="Library")
    script = publish.script(name="mails")
    stored_credential("smtp", scripts=[script])
    page = editing(START, script)
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Script parameters").fill("host\nport")
    page.get_by_role("link", name="Code").click()
    page.locator(".cm-content").focus()
    for typed, labels in {
        "engine.": ("script_param", "credential", "information", "remaining_seconds"),
        "request.": ("raw_body", "headers", "json", "form"),
        "request.headers.": ("get", "get_all"),
        "request.context.": ("token_id", "client_address"),
        "request.parameters[0].": ("strip",),
        "request.form().get('a').": ("split",),
        "engine.script_param('a').": ("value",),
        "output.": ("response_code", "response_headers"),
        "output.response_headers.": ("add", "set"),
        "ApiTriggerOutput.": ("json",),
        "out": ("output",),
        'engine.script_param("': ("host", "port"),
        'engine.credential("': ("smtp",),
        "engine.run_subscript(wa": ("wait=",),
        "ret": ("return",),
    }.items():
        offers(page, START, typed, *labels)
    offers(page, "import automation.sdk\n", "automation.sdk.", "Engine")
    offers(page, "from automation.sdk import StatusCode as S\n", "S.", "OK", "CONFLICT")
    offers(page, "import automation.sdk as sdk\ndef other(api: sdk.Engine | None):\n    ", "api.", "script_param")
    offers(page, "from automation.sdk import ApiError\ntry: pass\nexcept ApiError as error:\n    ", "error.", "status")
    offers(page, "", "from scripts.", "tools")
    offers(page, "", "from scripts.tools import ", "greeting")
    offers(page, "import scripts.tools\n", "scripts.tools.", "greeting")
    offers(page, "from automation.sdk import (\n    Engine,\n    ", "Api", "ApiError", "ApiTriggerOutput")
    installed("lxml", ["lxml", "lxml.etree", "lxml.html", "lxml.html.clean"])
    # What is found tells that the block has been checked only when something else stood there before.
    write(page, "def unfinished(:")
    expect(page.locator("#found")).to_contain_text("Line 1:")
    with page.expect_response("**/modules/**"):
        write(page, f"{BLOCK}{START}")
        expect(page.locator("#found")).to_contain_text("No problems found")
        page.keyboard.type("\nimport l")
    offers(page, BLOCK, "import l", "lxml")
    offers(page, BLOCK, "from lxml.html.", "clean")
    offers(page, BLOCK, "from lxml import ", "etree", "html")


def test_the_keyboard_chooses_and_signatures_follow_the_arguments(editing):
    page = editing(START)
    page.keyboard.type("raise ApiErr")
    choose(page)
    expect(page.locator(".cm-content")).to_contain_text("import ApiTriggerOutput, Engine, ApiError")
    page.keyboard.type("(")
    hint = page.get_by_role("tooltip")
    expect(hint.locator("strong")).to_have_text("status: int")
    expect(hint).to_contain_text("Answers the caller")
    expect(page.locator("#ud-announcements")).to_contain_text("Argument: status: int")
    page.keyboard.type("409, 'Not (now', det")
    choose(page)
    expect(hint.locator("strong")).to_have_text("detail: str = ''")
    assert "raise ApiError(409, 'Not (now', detail=)" in source_of(page)
    page.keyboard.press("Escape")
    expect(hint).to_have_count(0)
    expect(page.locator(".cm-content")).to_be_focused()
    page.keyboard.type("'x'")
    expect(hint).to_have_count(0)
    # The list may still be on its way, and Escape would stop it.
    page.wait_for_timeout(500)
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator(".cm-content")).not_to_be_focused()
    write(page, START)
    page.keyboard.type("engine.log(request.headers.get(")
    expect(hint.locator("strong")).to_have_text("key: str")
    page.keyboard.type("'a')")
    expect(hint.locator("strong")).to_have_text("message: object")
    page.keyboard.type(")")
    expect(hint).to_have_count(0)


def posts(page, ending: str) -> list[str]:
    """The addresses to which the page posts from now on, and which end so."""
    sent: list[str] = []
    page.on(
        "request", lambda request: sent.extend([request.url] * (request.method == "POST" and ending in request.url))
    )
    return sent


def test_ctrl_s_saves_once_and_stays_at_the_place(editing, publish):
    script = publish.script(name="edited")
    page = editing("def run(engine):\n    pass\n", script)
    sent = posts(page, "/change/")
    page.get_by_role("button", name="Save", exact=True).focus()
    page.keyboard.press("ControlOrMeta+k")
    # Escape closes it only from within.
    expect(page.get_by_role("dialog").locator("input").first).to_be_focused()
    page.keyboard.press("Control+s")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert not sent
    page.locator(".cm-line").nth(1).click()
    page.keyboard.press("End")
    with page.expect_navigation():
        page.keyboard.press("Control+s")
        page.keyboard.press("Control+s")
    expect(page.locator("#ud-announcements")).to_contain_text("Version 2 is current.")
    expect(page.locator(".cm-content")).to_be_focused()
    page.keyboard.type("  # here")
    assert source_of(page) == "def run(engine):\n    pass  # here\n"
    assert len(sent) == 1
    save = page.get_by_role("button", name="Save", exact=True)
    expect(save).to_have_attribute("aria-keyshortcuts", "Control+S")
    expect(save).to_have_attribute("title", "Save (Ctrl+S)")
    # What is typed after the save is unsaved again, from any field of the form.
    page.get_by_label("Note").focus()
    with page.expect_navigation():
        page.keyboard.press("Control+S")
    script.refresh_from_db()
    assert script.source == "def run(engine):\n    pass  # here\n"


def test_ctrl_enter_tries_once(editing, stack):
    page = editing("import time\ndef on_api_trigger(engine, request):\n    time.sleep(0.5)\n")
    sent = posts(page, "/scripts/trial/")
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Control+Enter")
    page.locator("#try-body").focus()
    page.keyboard.press("Control+Enter")
    page.locator("#try-answer .ud-answer:not(.is-waiting)").wait_for()
    assert len(sent) == 1
    assert not AutomationScript.objects.exists()
