"""`POST runs/`, `POST scripts/trial/`, `DELETE runs/{id}/` and `GET runs/{id}/compare/`."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User

from definitions.changes import save_definition
from events.models import InformationEvent
from runs.models import Run, RunBodies
from tests.management.conftest import client_of, only, user_with
from tests.runs import conftest as of_runs
from tests.runs.conftest import shown_running

RUNS = "/api/management/runs/"
TRIAL = "/api/management/scripts/trial/"
stored = of_runs.stored

UNKNOWN = "2faa728c-218d-4139-8aa1-8f033c60dd07"
ADD = ("definitions.ui_available", "automation.execute")
REPLAY = (*ADD, "runs.bodies")

SHOW = """
import json
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    print("called")
    query = {name: request.query_parameters.get_all(name) for name in request.query_parameters.keys()}
    seen = [request.request_method.value, request.route, query, request.raw_body, request.context.token_id]
    output = ApiTriggerOutput(response_body=json.dumps(seen))
    output.response_headers.add("X-Body", request.raw_body)
    return output
"""

SHOW_BYTES = """
import json
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    headers = [[name, value] for name in request.headers.keys() for value in request.headers.get_all(name)]
    seen = [headers, request.raw_body, request.raw_body_bytes.hex()]
    return ApiTriggerOutput(response_body=json.dumps(seen))
"""

SLEEP = """
import time
def on_api_trigger(engine, request):
    time.sleep(600)
"""


@pytest.fixture
def user(stack):
    """Makes clients of users with these flags."""
    yield lambda *flags: client_of(user_with(*flags))
    User.objects.all().delete()


@pytest.fixture
def keeping(publish):
    """An API that keeps bodies."""
    api = publish(SHOW, route="encoders/{id}")
    api.definition.keep_bodies = "Everything"
    save_definition(api.definition, "system")
    return api


def request_for(api, **fields):
    return {"definitionId": str(api.definition.pk), "method": "Post"} | fields


def seen(answer):
    content = answer.json()
    assert answer.status_code == 200, content
    assert content["traceData"] == {"errorData": []}
    return json.loads(content["actionResult"]["responseBody"])


def kept_run(client, api, stored, **fields):
    """A run of the API whose bodies are stored."""
    answer = client.post(RUNS, request_for(api, route="encoders/7", **fields))
    return stored(answer.json()["id"], lambda run: RunBodies.objects.filter(pk=run.pk).exists())


def reads():
    return InformationEvent.objects.filter(verb="read").count()


# --- Run ---


def test_definition_is_run_as_the_calling_user(user, publish, stored):
    client = user(*ADD)
    query, headers = {"a": ["1", "2"]}, {"X-Some": ["thing"]}
    answer = client.post(RUNS, request_for(publish(SHOW, route="a/b"), query=query, headers=headers, rawBody="x"))
    assert seen(answer) == ["Post", "a/b", query, "x", None]
    assert set(answer.json()) == {"id", "traceData", "actionResult", "statistics", "log"}
    assert answer.json()["log"].endswith("\tcalled\n")
    assert answer.json()["id"] == answer.json()["statistics"]["triggerId"]
    run = stored(answer.json()["id"])
    assert (run.kind, run.user) == ("Trial", User.objects.get().username)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"definitionId": UNKNOWN}, "definitionId"),
        ({"definitionId": "x"}, "definitionId"),
        ({"method": None}, "method"),
        ({"method": "HEAD"}, "method"),
        ({"scriptVersion": 9}, "scriptVersion"),
        ({"route": "other"}, "route"),
        ({"replayOf": UNKNOWN}, "replayOf"),
        ({"rawBody": 1}, "rawBody"),
        ({"rawBodyBytes": "?"}, "rawBodyBytes"),
        ({"rawBodyBytes": [1]}, "rawBodyBytes"),
        ({"rawBody": "", "rawBodyBytes": "aGk="}, "rawBodyBytes"),
        ({"headers": {"X Y": ["1"]}}, "headers"),
        ({"headers": {"X": ["1\r\nY: 2"]}}, "headers"),
        ({"headers": {"X": ["1"] * 101}}, "headers"),
        ({"headers": {"X": ["é" * 4_095]}}, "headers"),
        ({"query": {"a": "b"}}, "query"),
        ({"secret": "s"}, "secret"),
    ],
)
def test_wrong_request_is_refused(user, publish, fields, field):
    api = publish(SHOW)
    assert only(user(*ADD).post(RUNS, request_for(api) | fields), 400)["field"] == field
    assert not Run.objects.filter(definition_id=api.definition.pk).exists()


PNG, TEXT = {"content-type": ["image/png"]}, {"Content-Type": ["text/plain; charset=UTF-8"]}


@pytest.mark.parametrize(
    ("sent", "text", "data"),
    [
        ({"rawBody": "hi"}, "hi", b"hi"),
        ({"rawBodyBytes": "aGk="}, "", b"hi"),
        ({"rawBodyBytes": "/wA=", "headers": PNG}, "", b"\xff\0"),
        ({"rawBodyBytes": "aGk=", "headers": TEXT}, "hi", b"hi"),
        ({"rawBody": "hi", "headers": PNG, "rawBodyBytes": None}, "", b"hi"),
        ({"rawBody": "hi", "headers": {"Content-Type": ["text/plain; charset=latin-1"]}}, "", b"hi"),
    ],
)
def test_body_is_text_or_bytes_as_its_content_type_says(user, publish, sent, text, data):
    client = user(*ADD, "automation.add_edit")
    trial = {"source": SHOW_BYTES, "method": "Post"}
    for answer in (client.post(RUNS, request_for(publish(SHOW_BYTES)) | sent), client.post(TRIAL, trial | sent)):
        assert seen(answer)[1:] == [text, data.hex()]


def test_headers_are_as_over_http(user, publish):
    hidden = {name: ["x"] for name in ("Authorization", "cookie", "Proxy-Secret", "Connection", "Upgrade")}
    headers = {"x-some": ["1", " 2 "], "X-Text": ["ä"]} | hidden
    answer = user(*ADD).post(RUNS, request_for(publish(SHOW_BYTES), headers=headers))
    assert seen(answer)[0] == [["X-Some", "1"], ["X-Some", "2"], ["X-Text", "ä"]]


def test_text_that_is_not_utf8_is_refused_as_over_http(user, publish, stored):
    answer = user(*ADD).post(RUNS, request_for(publish(SHOW_BYTES), rawBodyBytes="/wA=", headers=TEXT))
    assert [error["reason"] for error in answer.json()["traceData"]["errorData"]] == ["FailedToReadBody"]
    assert stored(answer.json()["id"]).status == "Refused"


@pytest.mark.parametrize(("content_type", "content"), [("image/png", b"\xff\0"), ("image/png", b"hi"), (None, b"hi")])
def test_kept_bytes_are_replayed_exactly(user, publish, stack, stored, content_type, content):
    api = publish(SHOW_BYTES, content_types=["*/*"])
    api.definition.keep_bodies = "Everything"
    save_definition(api.definition, "system")
    headers = {"X-Some": "thing"} | ({"Content-Type": content_type} if content_type else {})
    first = api.call(stack.client, content=content, headers=headers)
    run = stored(first.headers["X-Trigger-Id"], lambda run: RunBodies.objects.filter(pk=run.pk).exists())
    again = seen(user(*REPLAY).post(RUNS, request_for(api, replayOf=str(run.pk))))
    assert again[1:] == first.json()[1:] == ["", content.hex()]
    assert again[0] == [pair for pair in first.json()[0] if pair[0] != "Content-Length"]


def test_kept_request_is_replayed(user, keeping, stored):
    client = user(*REPLAY)
    run = kept_run(client, keeping, stored, query={"a": ["1"]}, rawBody="sent")
    before = reads()
    assert seen(client.post(RUNS, {"definitionId": str(keeping.definition.pk), "replayOf": str(run.pk)})) == [
        "Post",
        "encoders/7",
        {"a": ["1"]},
        "sent",
        None,
    ]
    assert reads() == before + 1


def test_replay_with_a_request_of_its_own_needs_no_bodies(user, keeping, stored):
    client = user(*ADD)
    run = kept_run(client, keeping, stored, rawBody="sent")
    again = request_for(keeping, replayOf=str(run.pk))
    assert only(client.post(RUNS, again), 403) == {"reason": "PermissionDenied"}
    answer = client.post(RUNS, again | {"rawBody": "new"})
    assert seen(answer) == ["Post", "encoders/7", {}, "new", None]
    replay = stored(answer.json()["id"])
    assert (replay.kind, replay.parent_id) == ("Replay", run.pk)


def test_masked_request_is_not_replayed(user, keeping, stored):
    client = user(*REPLAY)
    run = kept_run(client, keeping, stored, query={"apiKey": ["k"]})
    error = only(client.post(RUNS, request_for(keeping, replayOf=str(run.pk))), 400)
    assert error["masked"] == [{"where": "query", "name": "apiKey"}]
    assert (error["reason"], error["field"]) == ("InvalidField", "replayOf")


# --- Try ---


def test_source_is_tried(user):
    client = user("automation.add_edit", "automation.execute")
    answer = client.post(TRIAL, {"source": SHOW, "method": "Put", "rawBody": "x", "route": "a/{id=7}"})
    assert seen(answer) == ["Put", "a/7", {}, "x", None]
    assert answer.json()["log"].endswith("\tcalled\n")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"source": "def"}, "InvalidScript"),
        ({"source": None}, "InvalidField"),
        ({"actionType": "AutomationScriptNoEntryPoint"}, "InvalidActionMeta"),
        ({"actionType": "x"}, "InvalidField"),
        ({"inputType": "x"}, "InvalidField"),
        ({"parameters": ["a", "a"]}, "InvalidField"),
        ({"route": "/"}, "InvalidField"),
    ],
)
def test_source_that_cannot_be_saved_is_not_tried(user, fields, reason):
    client = user("automation.add_edit", "automation.execute")
    assert only(client.post(TRIAL, {"source": SHOW, "method": "Get"} | fields), 400)["reason"] == reason


# --- Cancel ---


def test_running_run_is_cancelled(user, publish, stored):
    client, api = user("runs.cancel"), publish(SLEEP)
    with ThreadPoolExecutor() as callers:
        called = callers.submit(user(*ADD).post, RUNS, request_for(api))
        running = shown_running(definition_id=api.definition.pk)
        assert client.delete(f"{RUNS}{running.id}/").status_code == 204
        (error,) = called.result().json()["traceData"]["errorData"]
    assert (error["reason"], error["message"].partition(": ")[2][:27]) == (
        "RunCancelled",
        "The run was cancelled by us",
    )
    assert only(client.delete(f"{RUNS}{running.id}/"), 409) == {"reason": "RunEnded"}


@pytest.mark.parametrize("key", [UNKNOWN, "x", "A" * 32])
def test_unknown_run_is_not_cancelled(user, key):
    assert only(user("runs.cancel").delete(f"{RUNS}{key}/"), 404) == {"reason": "NotFound"}


# --- Compare ---


def test_runs_are_compared(user, keeping, stored):
    runner = user(*ADD)
    first, second = (kept_run(runner, keeping, stored, rawBody=text) for text in ("one", "two"))
    before = reads()
    url = f"{RUNS}{first.pk}/compare/?with={second.pk}"
    plain = user("runs.ui_available").get(url).json()
    assert (plain["headers"], plain["body"], plain["areSame"], reads()) == (None, None, True, before)
    whole = user("runs.ui_available", "runs.bodies").get(url).json()
    assert whole["body"]["values"] == [{"path": "/3", "first": '"one"', "second": '"two"'}]
    assert whole["headers"]["values"] == [{"path": "X-Body", "first": "one", "second": "two"}]
    assert (whole["first"], whole["second"], whole["areSame"]) == (str(first.pk), str(second.pk), False)
    assert reads() == before + 2


@pytest.mark.parametrize("query", ["", "?with=x", "?with={id}&more=1"])
def test_comparison_needs_another_run(user, query):
    answer = user("runs.ui_available").get(f"{RUNS}{UNKNOWN}/compare/{query.format(id=UNKNOWN)}")
    assert only(answer, 400)["reason"] == "InvalidField"
