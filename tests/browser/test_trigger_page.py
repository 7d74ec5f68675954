"""The trigger page: choosing an API, sending directly to a worker or over HTTP, and reading the response."""

import json
import re

import pytest
from playwright.sync_api import expect

from testbed.publisher import ECHO
from testbed.visitor import PATIENCE

BYTES = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    output = ApiTriggerOutput(response_body_bytes=bytes(range(256)))
    output.response_headers.set("Content-Disposition", 'attachment; filename="report.bin"')
    return output
"""
FAILS = "def on_api_trigger(engine, request):\n    raise ValueError('the encoder is on fire')\n"
TELLS = """
import json
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    query = {name: request.query_parameters.get_all(name) for name in request.query_parameters.keys()}
    told = {"route": request.route_parameters, "query": query, "body": request.raw_body}
    return ApiTriggerOutput(response_body=json.dumps(told))
"""
TELLS_BYTES = """
import json
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    told = [request.headers.get("X-Some"), request.content_type, request.raw_body_bytes.hex()]
    return ApiTriggerOutput(response_body=json.dumps(told))
"""
XML = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    output = ApiTriggerOutput(response_code=404, response_body="<a><b>1</b><b/></a>")
    output.response_headers.set("Content-Type", "application/xml")
    return output
"""
SENDER = ("definitions.ui_available", "tokens.ui_available", "automation.execute")


@pytest.fixture
def open_page(visit, console):
    """Opens the page with a published API chosen and its secret entered."""

    def open_page(api, secret: str | None = None, *, in_tab: bool = False):
        page = visit(*SENDER)
        of_api = f"definitions/apidefinition/{api.definition.pk}/try/"
        page.goto(f"{console}{of_api if in_tab else f'trigger/?definition={api.definition.pk}'}")
        page.get_by_label("Directly to a worker").check()
        page.get_by_label("Secret of a token").fill(api.secret if secret is None else secret)
        return page

    return open_page


def answer(page, number: int = 0):
    """The answer card, the newest first, once it is there."""
    card = page.locator("#answers .ud-answer:not(.is-waiting)").nth(number)
    card.wait_for()
    return card


def trigger(page):
    """Press the button; the card of the answer."""
    before = page.locator("#answers .ud-answer").count()
    page.get_by_role("button", name="Trigger", exact=True).click()
    page.wait_for_function(
        "before => document.querySelectorAll('#answers .ud-answer:not(.is-waiting)').length > before", arg=before
    )
    return answer(page)


def test_a_definition_is_chosen_from_the_list_and_triggered_with_the_keyboard(visit, publish, console):
    api = publish(TELLS, route="encoders/{id}/status")
    publish(ECHO, route="others/thing")
    page = visit(*SENDER)
    page.goto(f"{console}trigger/")
    picker = page.get_by_role("combobox", name="API", exact=True)
    picker.focus()
    page.keyboard.type("status")
    page.get_by_role("option").filter(has_text="encoders/{id}/status").wait_for()
    page.wait_for_function("document.querySelectorAll('#picker-list [role=option]').length === 1")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Route", exact=True)).to_have_value("encoders/{id}/status")
    page.get_by_label("{id}").fill("a/b")
    page.get_by_label("Name").first.fill("dry")
    page.get_by_label("Value").first.fill("1")
    page.get_by_label("Body", exact=True).fill('{"state": "on"}')
    page.get_by_label("Over HTTP").check()
    page.get_by_label("Secret of a token").fill(api.secret)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").first).to_contain_text("cannot hold a slash")
    page.get_by_label("{id}").fill("a b ü")
    page.keyboard.press("Enter")
    card = answer(page)
    assert "Success: the script answered 200" in card.inner_text()
    told = json.loads(card.locator("pre").first.inner_text())
    assert told == {"route": {"id": "a b ü"}, "query": {"dry": ["1"]}, "body": '{"state": "on"}'}


def test_success_directly_to_a_worker(open_page, publish):
    api = publish(TELLS, route="shows/{name}")
    page = open_page(api)
    page.get_by_label("{name}").fill("news at ten")
    page.get_by_label("Body", exact=True).fill("{}")
    card = trigger(page)
    text = card.inner_text()
    assert "Success: the script answered 200" in text
    told = json.loads(card.locator("pre").first.inner_text())
    assert told == {"route": {"name": "news at ten"}, "query": {}, "body": "{}"}
    for label in ("Queue", "Run", "Overhead", "Total", "Node", "Trigger id", "Time", "Size"):
        assert label in text
    card.get_by_text("As curl").click()
    command = card.locator("details").last.locator("pre").inner_text()
    assert "/api/custom/shows/news%20at%20ten" in command
    assert "$TOKEN" in command
    assert api.secret not in page.content()
    assert api.secret not in page.url


def test_a_script_that_fails_tells_its_traceback(open_page, publish):
    card = trigger(open_page(publish(FAILS)))
    assert "The script failed" in card.inner_text()
    assert "AutomationActionError" in card.inner_text()
    assert "the encoder is on fire" in card.inner_text()


def test_bytes_are_downloaded(open_page, publish):
    page = open_page(publish(BYTES))
    card = trigger(page)
    with page.expect_download() as started:
        card.get_by_role("link", name="Download 256 bytes").click()
    assert started.value.suggested_filename == "report.bin"
    assert started.value.path().read_bytes() == bytes(range(256))


def test_xml_is_indented_and_a_refusal_of_the_script_is_no_success(open_page, publish):
    card = trigger(open_page(publish(XML)))
    assert "The script answered 404" in card.inner_text()
    assert "Success" not in card.inner_text()
    assert card.locator("pre").first.inner_text() == "<a>\n  <b>1</b>\n  <b/>\n</a>"


def test_a_file_and_headers_are_sent_as_me_and_over_http(open_page, publish):
    page = open_page(publish(TELLS_BYTES, content_types=["image/png", "text/csv"]), in_tab=True)
    expect(page.get_by_label("Content type")).to_have_value("image/png")
    file = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\0'"}
    page.get_by_label("File to send").set_input_files(file)
    expect(page.get_by_label("Content type")).to_have_value("image/jpeg")
    page.get_by_label("Content type").fill("image/png")
    page.get_by_role("button", name="Trigger", exact=True).click()
    expect(page.get_by_role("alert").first).to_contain_text("Only text goes directly to a worker.")
    for way in ("As me", "Over HTTP"):
        page.get_by_label(way).check()
        page.locator("#header-fields").get_by_label("Name").first.fill("x-some")
        page.locator("#header-fields").get_by_label("Value").first.fill("thing")
        card = trigger(page)
        assert json.loads(card.locator("pre").first.inner_text()) == ["thing", "image/png", "ff0027"]
        card.get_by_text("As curl").click()
        assert "--data-binary '@a.jpg'" in card.inner_text()
        card.get_by_text("What was sent").click()
        assert "x-some: thing\nContent-Type: image/png\n\na.jpg, 3 bytes" in card.inner_text()
        assert ("Authorization: Bearer …" in card.inner_text()) == (way == "Over HTTP")
    page.locator("#header-fields").get_by_label("Name").first.fill("no name")
    assert "Not sent or not answered" in trigger(page).inner_text()


def test_the_rate_limit_counts_only_over_http(open_page, publish):
    token = publish.token(rate_limit=1, rate_window_seconds=3_600)
    page = open_page(publish(ECHO, token=token))
    page.get_by_label("Body", exact=True).fill('{"a": 1}')
    trigger(page)
    page.get_by_label("Over HTTP").check()
    first = trigger(page)
    assert "Success: the script answered 200" in first.inner_text()
    assert '"a": 1' in first.locator("pre").first.inner_text()
    second = trigger(page)
    assert "The rate limit of the token is reached" in second.inner_text()
    assert re.search(r"RateLimitExceeded.*1014", second.inner_text())
    expect(second).to_contain_text(re.compile(r"Retry-After: \d+ s\s*Send again in \d+ s\."))
    page.get_by_label("Directly to a worker").check()
    assert "Success" in trigger(page).inner_text()
    assert page.locator("#answers .ud-answer").count() == 4


def test_the_exact_reason_of_a_refused_secret(open_page, publish):
    api = publish(ECHO)
    other, other_secret = publish.token(name="scheduler")
    page = open_page(api, other_secret)
    card = trigger(page)
    assert "TokenNotAllowed" in card.inner_text()
    expect(card.get_by_role("link", name="scheduler")).to_have_attribute("href", re.compile(str(other.pk)))
    expect(card.get_by_role("link", name=api.definition.route)).to_have_count(1)
    page.get_by_label("Secret of a token").fill("")
    assert "InvalidSecret" in trigger(page).inner_text()
    page.get_by_label("Over HTTP").check()
    page.get_by_label("Secret of a token").fill(other_secret)
    assert "AuthenticationFailed" in trigger(page).inner_text()


def test_reset_form_clears_everything_and_invalid_bodies_are_reported(open_page, publish):
    page = open_page(publish(ECHO))
    secret = page.get_by_label("Secret of a token")
    page.get_by_role("button", name="Reveal").click()
    assert secret.get_attribute("type") == "text"
    page.get_by_label("Body", exact=True).fill('{"a": }')
    expect(page.locator("#body-state")).to_contain_text("Not valid JSON")
    page.get_by_role("button", name="Reset form").click()
    assert (secret.input_value(), secret.get_attribute("type")) == ("", "password")
    assert page.get_by_label("Route", exact=True).input_value() == ""
    assert page.get_by_label("Body", exact=True).input_value() == ""


def test_the_secret_does_not_come_back_with_the_page(open_page, publish, console):
    page = open_page(publish(ECHO))
    page.goto(f"{console}keys/personalkey/")
    page.go_back()
    page.get_by_label("Directly to a worker").wait_for(timeout=PATIENCE)
    page.get_by_label("Directly to a worker").check()
    assert page.get_by_label("Secret of a token").input_value() == ""
    stored = "JSON.stringify([{...localStorage}, {...sessionStorage}, history.state])"
    assert "udapi" not in page.evaluate(stored)


@pytest.mark.parametrize("missing", ["definitions.ui_available", "automation.execute"])
def test_without_one_of_the_flags_there_is_no_page(visit, console, missing):
    page = visit(*(flag for flag in SENDER if flag != missing))
    page.goto(console)
    assert page.get_by_role("link", name="Trigger", exact=True).count() == 0
    for address in ("trigger/", "trigger/definitions/"):
        assert page.request.get(console + address).status == 403


def test_the_body_says_what_is_wrong_with_it(open_page, publish):
    page = open_page(publish(ECHO))
    state = page.locator("#body-state")
    for label, text, said in (
        ("XML", "<a>", re.compile("^Not valid XML: .*(?<!error[.])$")),
        ("Form", "channel=7\nchannel=8", "A form is one line: name=value&name=value"),
        ("Form", "channel=7&channel=8", "19 bytes, valid"),
        ("Text", "{", "1 bytes"),
    ):
        page.get_by_label("Body format").select_option(label)
        page.get_by_label("Body", exact=True).fill(text)
        expect(state).to_have_text(said)
        expect(page.get_by_role("button", name="Format", exact=True)).to_be_visible(visible=label == "XML")


def test_a_file_is_measured_before_it_is_sent(open_page, publish):
    page = open_page(publish(ECHO))
    page.get_by_label("As me").check()
    page.get_by_label("Body format").select_option("File")
    state = page.locator("#body-state")
    expect(state).to_have_text("No file chosen, so no body")
    page.locator("#body-field").evaluate("field => (field.dataset.largest = 2048)")
    file = {"name": "logo.png", "mimeType": "image/png"}
    page.get_by_label("File to send").set_input_files({**file, "buffer": bytes(3072)})
    expect(state).to_have_text("The file has 3 KB, but a body at most 2 KB.")
    page.get_by_role("button", name="Trigger", exact=True).click()
    expect(page.get_by_role("heading", name="No responses yet")).to_be_visible()
    page.get_by_label("File to send").set_input_files({**file, "buffer": bytes(2048)})
    expect(state).to_have_text("2 KB")
