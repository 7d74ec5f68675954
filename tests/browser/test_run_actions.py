"""What users do with runs in the browser: cancel, run again, compare, repeat the last ones, and run an API as me."""

import json
import re
import threading

import pytest
from playwright.sync_api import expect

from objects.changes import save_checked
from tests.browser.test_trigger_page import trigger
from tests.runs.conftest import shown_running

ANSWERS = """
import json
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    engine.log("version {0}")
    return ApiTriggerOutput(response_body=json.dumps({{"version": {0}, "body": request.raw_body}}))
"""
WAITS = """
import time

def on_api_trigger(engine, request):
    print("begun")
    time.sleep(60)
"""


@pytest.fixture
def publish_versions(publish):
    """Publishes an API that keeps bodies, calls it with version 1, and saves version 2."""

    def publish_versions(stack, stored, **call):
        api = publish(ANSWERS.format(1), route="answers/{id}")
        api.definition.keep_bodies = "Everything"
        save_checked(api.definition, "system")
        answer = api.call(stack.client, path="/api/custom/answers/7", **call)
        assert answer.status_code == 200, answer.text
        api.definition.script.source = ANSWERS.format(2)
        save_checked(api.definition.script, "system")
        return api, stored(answer.headers["X-Trigger-Id"])

    return publish_versions


def body_of(card):
    return json.loads(card.locator("pre").first.inner_text())


def newest(page, count=1):
    """The newest card, once there are `count` answers."""
    cards = page.locator("#answers .ud-answer:not(.is-waiting)")
    expect(cards).to_have_count(count)
    return cards.first


def test_cancel_from_running_now(visit, publish, stack, stored, console):
    api = publish(WAITS, route="slow/thing")
    caller = threading.Thread(target=api.call, args=(stack.client,))
    caller.start()
    shown_running(definition_id=api.definition.pk)
    page = visit()
    page.goto(console)
    row = page.locator("#running-now li").filter(has_text="slow/thing")
    row.wait_for()
    expect(row.locator("[data-since]")).to_have_text(re.compile(r"[1-9]\d* s"))
    row.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Cancel the run").click()
    page.get_by_text("The run was cancelled.").wait_for()
    caller.join(20)
    assert not caller.is_alive()
    expect(page.locator("#running-now")).to_contain_text("Nothing runs right now")


def test_run_again_with_a_changed_body_on_another_version_and_compare(visit, publish_versions, stack, stored, console):
    headers = {"Content-Type": "application/json"}
    # Every object of JavaScript has something of these names.
    called = {"headers": headers, "params": {"constructor": "1", "__proto__": "2"}}
    _, run = publish_versions(stack, stored, content=b'{"password": "hunter2", "a": 1}', **called)
    page = visit()
    page.goto(f"{console}runs/{run.pk}/")
    page.get_by_role("link", name="Run again").click()
    body = page.get_by_label("Body", exact=True)
    body.wait_for()
    assert "hunter2" not in page.content()
    body.fill(body.input_value().replace("1}", "2}"))
    page.get_by_label("/password").fill("other")
    page.get_by_label("The current version (2)").check()
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_role("alert").filter(has_text="Confirm that the script runs again")).to_be_visible()
    page.get_by_label("This runs the script again").check()
    page.get_by_role("button", name="Run again").click()
    card = newest(page)
    assert body_of(card) == {"version": 2, "body": '{"password": "other", "a": 2}'}
    assert "version 2" in card.get_by_label("Log").inner_text()
    page.get_by_label("The version of that run (1)").check()
    page.get_by_role("button", name="Run again").click()
    card = newest(page, 2)
    assert body_of(card)["version"] == 1
    again = card.get_by_role("link", name="Open the run").get_attribute("href").split("/")[-2]
    assert stored(again).parent_id == run.pk
    card.get_by_role("link", name="Compare").click()
    page.wait_for_url(f"**/runs/{run.pk}/compare/**")
    page.get_by_role("heading", level=1).wait_for()
    assert again in page.url


def test_the_last_runs_are_run_again_and_what_differs_is_shown(visit, publish_versions, stack, stored, console):
    api, run = publish_versions(stack, stored, method="GET")
    put = api.call(stack.client, "PUT", path="/api/custom/answers/8")
    stored(put.headers["X-Trigger-Id"])
    page = visit()
    page.goto(f"{console}runs/again/{api.definition.pk}/")
    row = page.locator(f"[data-run='{run.pk}']")
    page.get_by_role("button", name="Run again").click()
    expect(row).to_contain_text("differs: body")
    expect(page.get_by_role("status").filter(has_text="1 run again, 1 differ")).to_be_visible()
    expect(page.locator("[data-method=PUT]")).to_contain_text("skipped: not GET")
    page.get_by_label("Version").select_option("1")
    page.get_by_label("Also those that are not GET").check()
    page.get_by_role("button", name="Run again").click()
    expect(row).to_contain_text("same")
    expect(page.locator("[data-method=PUT]")).to_contain_text("differs: body")
    assert row.get_by_role("link", name="Compare").get_attribute("href").startswith(f"/console/runs/{run.pk}/")


def test_as_me_runs_without_a_secret_and_its_response_is_a_run(visit, publish, stored, console):
    api = publish(ANSWERS.format(1), route="mine/{id}")
    api.definition.is_disabled = True
    save_checked(api.definition, "system")
    page = visit("definitions.ui_available", "automation.execute", "runs.ui_available")
    page.goto(f"{console}trigger/?definition={api.definition.pk}")
    expect(page.get_by_label("Secret of a token")).to_be_hidden()
    assert page.get_by_text("Over HTTP").count() == 0
    expect(page.locator("#disabled")).to_contain_text("You can run it.")
    page.get_by_label("{id}").fill("7")
    page.get_by_label("Body", exact=True).fill('{"a": 1}')
    card = trigger(page)
    assert body_of(card) == {"version": 1, "body": '{"a": 1}'}
    card.get_by_text("What was sent").click()
    assert 'POST mine/7\nContent-Type: application/json\n\n{"a": 1}' in card.inner_text()
    link = card.get_by_role("link", name="Open the run")
    run = stored(link.get_attribute("href").split("/")[-2])
    assert (run.kind, run.token_id) == ("Trial", None)
    link.click()
    page.get_by_text("version 1").first.wait_for()
