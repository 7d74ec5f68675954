"""What users do with runs on the console's pages: cancel, run again, and run the last ones of an API again."""

import json
import threading

import pytest
from django.test import Client
from django.urls import reverse

from fleet import current_runs
from objects.changes import save_checked
from runs.models import Run
from runs.user_requests import UserRequest
from runs.user_runs import run_definition
from testbed.people import remove_users
from testbed.stack import wait_until
from testbed.visitor import PREFIX, log_in

TELLS = """
import json
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    engine.log("told")
    names = request.query_parameters.keys()
    query = {name: request.query_parameters.get_all(name) for name in names}
    return ApiTriggerOutput(response_body=json.dumps({"body": request.raw_body, "query": query}))
"""
TELLS_BYTES = """
import json
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=json.dumps([request.raw_body, request.raw_body_bytes.hex()]))
"""
ANSWERS = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body={0!r})
"""
WAITS = """
import time

def on_api_trigger(engine, request):
    time.sleep(60)
"""
RUNNER = ("runs.ui_available", "definitions.ui_available", "automation.execute")
READER = (*RUNNER, "runs.bodies")


@pytest.fixture
def user(stack):
    """Logs in a user with flags, without any a superuser, outside of a transaction: the stack runs what they run."""

    def user(*flags: str) -> Client:
        client = Client()
        client.cookies["sessionid"] = log_in(flags)
        return client

    yield user
    remove_users(username__startswith=PREFIX)


@pytest.fixture
def publish_kept(publish):
    """Publishes an API that keeps what is sent and answered."""

    def publish_kept(source=TELLS, **fields):
        api = publish(source, **fields)
        api.definition.keep_bodies = "Everything"
        save_checked(api.definition, "system")
        return api

    return publish_kept


def post(client, address, **sent):
    return client.post(address, json.dumps(sent), content_type="application/json")


def again(run, **sent):
    """The arguments of a request that runs it again."""
    return reverse("admin:run_again", args=[run.pk]), {"method": "POST", "route": run.called_route} | sent


def called(api, stack, stored, **options):
    """The stored run of a call."""
    headers = {"Content-Type": "text/plain"} if "content" in options else {}
    answer = api.call(stack.client, headers=headers | options.pop("headers", {}), **options)
    assert answer.status_code == 200, answer.text
    return stored(answer.headers["X-Trigger-Id"])


def body_of(answer):
    assert answer.status_code == 200, answer.content
    return json.loads(answer.json()["actionResult"]["responseBody"])


# --- Cancel ---


def test_cancel_kills_a_running_run_and_says_so(user, publish, stack, stored):
    api, client = publish(WAITS), user()
    caller = threading.Thread(target=api.call, args=(stack.client,))
    caller.start()
    wait_until(lambda: current_runs.look().running)
    (record,) = current_runs.look().running
    start = client.get("/console/")
    assert record.id in start.content.decode()
    assert api.definition.route in start.content.decode()
    address = reverse("admin:run_cancel", args=[record.id])
    assert b"Cancel the run" in client.get(address).content
    assert client.post(f"{address}?next=/console/", follow=False)["Location"] == "/console/"
    caller.join(10)
    assert not caller.is_alive()
    assert "The run was cancelled." in client.get("/console/").content.decode()
    assert stored(record.id, lambda run: run.is_over).status == "Cancelled"
    client.post(address)
    assert "The run had ended already." in client.get("/console/").content.decode()


def test_cancel_leads_to_no_other_site(user, publish, stack, stored):
    run, client = called(publish(), stack, stored), user()
    address = reverse("admin:run_cancel", args=[run.pk])
    for elsewhere in ("https://example.org/", "//example.org/", "example.org"):
        assert client.post(f"{address}?next={elsewhere}")["Location"] == reverse("admin:run", args=[run.pk])


def test_running_now_is_for_those_who_may_view_runs(user):
    # A run that has just been cancelled is still shown for a moment.
    wait_until(lambda: not current_runs.look().running)
    assert "Nothing runs right now" in user("runs.ui_available").get("/console/").content.decode()
    assert "Running now" not in user("definitions.ui_available").get("/console/").content.decode()


# --- Run again ---


def test_run_again_with_a_changed_body_on_the_other_version(user, publish_kept, stack, stored):
    api, client = publish_kept(ANSWERS.format('"one"')), user(*READER)
    run = called(api, stack, stored, content=b'{"a": 1}', headers={"Content-Type": "application/json"})
    script = api.definition.script
    script.source = TELLS
    save_checked(script, "system")
    page = client.get(again(run)[0])
    assert [choice.value for choice in page.context["versions"]] == ["1", ""]
    assert page.context["start"]["body"] == '{"a": 1}'
    address, sent = again(run, rawBody='{"a": 2}', query=[["dry", "1"]])
    assert body_of(post(client, address, **sent)) == {"body": '{"a": 2}', "query": {"dry": ["1"]}}
    then = post(client, address, **sent, scriptVersion=1)
    assert body_of(then) == "one"
    repeated = stored(then.json()["id"])
    assert (repeated.kind, repeated.parent_id, repeated.script_version) == ("Replay", run.pk, 1)
    assert then.json()["id"] == then.json()["statistics"]["triggerId"]


def test_masked_values_are_asked_for_and_take_their_places(user, publish_kept, stack, stored):
    api, client = publish_kept(), user(*READER)
    body = '{"name": "x", "password": "hunter2", "apiKeys": [1, 2]}'
    headers = {"Content-Type": "application/json", "X-Secret-Note": "s3cret"}
    run = called(api, stack, stored, path=f"{api.path}?token=xyzzy&a=1", content=body, headers=headers)
    page = client.get(again(run)[0])
    shown, start = page.content.decode(), page.context["start"]
    assert not any(secret in shown for secret in ("hunter2", "s3cret", "xyzzy"))
    assert [(pair["name"], pair["is_masked"]) for pair in start["query"]] == [("token", True), ("a", False)]
    assert {pair["name"].lower() for pair in start["headers"] if pair["is_masked"]} == {"x-secret-note"}
    assert "authorization" not in {pair["name"].lower() for pair in start["headers"]}
    assert [name for name, _ in page.context["draft"].marks] == ["/password", "/apiKeys"]
    edited = start["body"].replace('"x"', '"y"')
    address, sent = again(run, rawBody=edited)
    answer = post(client, address, **sent, masked=['a"b', "[3]"])
    assert json.loads(body_of(answer)["body"]) == {"name": "y", "password": 'a"b', "apiKeys": [3]}
    for masked in (["only one"], ["x", "no json"], ["", "1"]):
        refused = post(client, address, **sent, masked=masked)
        assert refused.status_code == 400, masked
        assert refused.json()["errors"][0]["field"] == "masked"


def test_a_body_that_is_not_text_is_sent_as_it_was_kept(user, publish_kept, stack, stored):
    api = publish_kept(TELLS_BYTES, content_types=["image/png"])
    run = called(api, stack, stored, content=b"\xff\0", headers={"Content-Type": "image/png"})
    client = user(*READER)
    page = client.get(again(run)[0])
    assert "Send the body as it was kept: 2 bytes" in page.content.decode()
    headers = [["Content-Type", "image/png"]]
    assert [[pair["name"], pair["value"]] for pair in page.context["start"]["headers"]][-1:] == headers
    address, sent = again(run, sendsKeptBody=True, headers=headers)
    assert body_of(post(client, address, **sent)) == ["", "ff00"]
    assert body_of(post(client, address, **sent | {"sendsKeptBody": False, "rawBody": "new"})) == ["", b"new".hex()]
    # Whoever may not read it cannot have the script answer with it either.
    assert post(user(*RUNNER), address, **sent).status_code == 400
    text = called(api, stack, stored, content=b"text", headers={"Content-Type": "image/png"})
    assert post(client, again(text)[0], **sent).status_code == 400


def test_without_the_flag_for_bodies_the_form_is_empty(user, publish_kept, stack, stored):
    run = called(publish_kept(), stack, stored, content=b"private words")
    page = user(*RUNNER).get(again(run)[0])
    assert "private words" not in page.content.decode()
    assert "You may not read kept requests." in page.content.decode()


def test_a_request_that_was_not_kept_is_not_invented(user, publish, stack, stored):
    run, client = called(publish(TELLS), stack, stored, content=b"gone"), user()
    assert "The request was not kept" in client.get(again(run)[0]).content.decode()
    address, sent = again(run, rawBody="new")
    assert body_of(post(client, address, **sent))["body"] == "new"


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"method": "HEAD"}, "method"), ({"scriptVersion": 9}, "scriptVersion"), ({"route": "x"}, "route")],
)
def test_what_cannot_be_run_is_refused_with_its_field(user, publish, stack, stored, changes, field):
    run, client = called(publish(), stack, stored), user()
    address, sent = again(run, **changes)
    answer = post(client, address, **sent)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field
    assert client.post(address, "[1", content_type="application/json").status_code == 400


# --- The last ones of an API ---


def test_the_last_runs_are_repeated_and_what_differs_is_said(user, publish_kept, stack, stored):
    api, client = publish_kept(ANSWERS.format("[1, 2]")), user(*READER)
    get = called(api, stack, stored, method="GET")
    put = called(api, stack, stored, method="PUT", content=b"changes things")
    masked = called(api, stack, stored, method="GET", path=f"{api.path}?token=abc")
    script = api.definition.script
    script.source = ANSWERS.format("[1,3]")
    save_checked(script, "system")
    page = client.get(reverse("admin:run_series", args=[api.definition.pk]))
    rows = {row.run.pk: row for row in page.context["rows"]}
    assert list(rows) == [masked.pk, put.pk, get.pk]
    assert rows[masked.pk].why_skipped == "Values are masked: token"
    assert rows[get.pk].why_skipped == rows[put.pk].why_skipped == ""
    repeat = reverse("admin:run_series_repeat")
    now = post(client, repeat, runId=str(get.pk)).json()
    assert (now["result"], now["differences"], now["comparesBody"]) == ("200", ["body"], True)
    assert post(client, repeat, runId=str(get.pk), scriptVersion=1).json()["differences"] == []
    assert post(client, repeat, runId=str(put.pk)).status_code == 400
    assert post(client, repeat, runId=str(put.pk), isConfirmed=True).json()["differences"] == ["body"]
    assert post(client, repeat, runId=str(masked.pk)).status_code == 400
    assert stored(now["id"]).parent_id == get.pk


def test_a_run_that_now_fails_differs(user, publish_kept, stack, stored):
    api, client = publish_kept(ANSWERS.format("fine")), user(*READER)
    run = called(api, stack, stored, method="GET")
    script = api.definition.script
    script.source = "def on_api_trigger(engine, request):\n    raise ValueError('no')\n"
    save_checked(script, "system")
    now = post(client, reverse("admin:run_series_repeat"), runId=str(run.pk)).json()
    assert now["differences"] == ["200 became error 12"]


def test_only_calls_are_repeated_and_at_most_fifty(user, publish, stack, stored):
    api, client = publish(TELLS), user()
    own = run_definition(api.definition, UserRequest("GET"), user="jane", client_address="192.0.2.7")
    stored(own.statistics.trigger_id)
    call = called(api, stack, stored, method="GET")
    address = reverse("admin:run_series", args=[api.definition.pk])
    page = client.get(address)
    assert [row.run.pk for row in page.context["rows"]] == [call.pk]
    assert page.context["rows"][0].why_skipped == "The request was not kept."
    for typed, count in (("", 10), ("7", 7), ("0", 1), ("999", 50), ("9999", 10), ("x", 10)):
        assert client.get(address, {"count": typed}).context["count"] == count
    assert Run.objects.filter(definition_id=api.definition.pk).count() == 2
