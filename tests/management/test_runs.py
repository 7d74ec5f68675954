"""`runs/`: lists by filters and cursor, single runs, logs and bodies."""

import json
import threading
import uuid
from datetime import timedelta

import httpx
import pytest
from django.contrib.auth.models import User
from jsonschema import Draft202012Validator

from events.models import InformationEvent
from fleet import current_runs
from fleet.records import RunRecord
from foundation.ids import time_of
from foundation.times import iso_utc
from keys.changes import create_key
from management.schema import document
from runs import store
from runs.models import Run, RunBodies, RunLog
from testbed.publisher import Publisher
from testbed.run_rows import add_run, add_runs
from testbed.stack import wait_until
from tests.management.conftest import ROOT, only, refused

RUNS = f"{ROOT}runs/"
PARENT = uuid.UUID(int=1)


def answer(client, address, **query):
    response = client.get(address, query)
    assert response.status_code == 200, response.content
    return response.json()


@pytest.fixture
def few(make):
    """Runs that differ in everything that can be filtered by, the oldest first; their letters by id."""
    api = make(route="tickets/{id}", name="tickets")
    token, script = api.token, api.definition.script
    rows = {
        "a": {"route": "a/b", "called_route": "a/b", "method": "GET"},
        "b": {"definition_id": api.definition.pk, "route": "tickets/{id}", "called_route": "tickets/7"},
        "c": {"script_id": script.pk, "script_name": "tickets", "script_version": 3},
        "d": {"token_id": token.pk, "token_name": token.name, "node": 2},
        "e": {"status": "Failed", "error_code": 12, "reason": "AutomationActionError"},
        "f": {"status": "Unanswered", "error_code": 1000, "kind": "Message", "user": "ann, the user"},
        "g": {"response_code": 404, "total_milliseconds": 5_000},
        "h": {"status": "Running", "total_milliseconds": None, "kind": "Trial", "seconds_ago": 10},
    }
    made = add_runs({"seconds_ago": 80 - 10 * place} | columns for place, columns in enumerate(rows.values()))
    return dict(zip(rows, made, strict=True)), api


def letters(few, client, **query):
    by_id = {str(run.pk): letter for letter, run in few[0].items()}
    return "".join(by_id[run["id"]] for run in answer(client, RUNS, **query)["results"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "hgfedcba"),
        ({"route": "tickets/{id}"}, "b"),
        ({"route": ["tickets/7", "a/b"]}, "ba"),
        ({"script": "tickets"}, "c"),
        ({"script": "unknown"}, ""),
        ({"version": "3"}, "c"),
        ({"version": "2,3,4"}, "c"),
        ({"node": "2"}, "d"),
        ({"status": "Failed"}, "e"),
        ({"status": "Failed,Unanswered"}, "fe"),
        ({"status": ["Failed", "Unanswered,Running"]}, "hfe"),
        ({"status": "Queued"}, ""),
        ({"errorCode": "12"}, "e"),
        ({"errorCode": "12,1000"}, "fe"),
        ({"errorCode": "70000"}, ""),
        ({"responseCode": "404"}, "g"),
        ({"kind": "Message"}, "f"),
        ({"kind": "Message,Trial"}, "hf"),
        ({"user": "ann, the user"}, "f"),
        ({"slowerThan": "4999"}, "hg"),
        ({"slowerThan": "6000"}, "h"),
        ({"slowerThan": "2147483647"}, ""),
        ({"status": "Failed", "kind": "Message"}, ""),
        ({"status": "Unanswered", "kind": "Message", "errorCode": "1000"}, "f"),
        ({"limit": "2"}, "hg"),
    ],
)
def test_runs_are_filtered(admin, few, query, expected):
    assert letters(few, admin, **query) == expected


def test_runs_are_filtered_by_definition_token_and_time(admin, few):
    runs, api = few
    other = uuid.uuid4()
    assert letters(few, admin, definition=api.definition.pk) == "b"
    assert letters(few, admin, definition=f"{other},{api.definition.pk}") == "b"
    assert letters(few, admin, script=str(api.definition.script.pk)) == "c"
    assert letters(few, admin, token=api.token.pk) == letters(few, admin, token=api.token.name) == "d"
    assert letters(few, admin, token=[other, api.token.name]) == ""
    times = {letter: iso_utc(time_of(run.pk)) for letter, run in runs.items()}
    assert letters(few, admin, **{"from": times["f"]}) == "hgf"
    assert letters(few, admin, to=times["c"]) == "ba"
    assert letters(few, admin, **{"from": times["b"], "to": times["d"]}) == "cb"
    assert letters(few, admin, to="0001-01-01") == letters(few, admin, **{"from": "9999-12-31T23:59:59Z"}) == ""


@pytest.mark.parametrize(
    "query",
    [
        {"definition": "x"},
        {"definition": ""},
        {"version": "x"},
        {"version": "-1"},
        {"version": "²"},
        {"node": "99999999999"},
        {"status": "failed"},
        {"status": "Failed,"},
        {"kind": "Probe"},
        {"from": "yesterday"},
        {"to": "2026-02-30T00:00:00Z"},
        {"slowerThan": "1s"},
        {"slowerThan": ["1", "2"]},
        {"limit": "0"},
        {"limit": "1001"},
        {"before": "x"},
        {"route": "a\0"},
        {"errorCode": ",".join(map(str, range(51)))},
        {"offset": "1"},
        {"ordering": "id"},
        {"search": "x"},
        {"parent": str(uuid.uuid4())},
    ],
)
def test_what_cannot_be_a_filter_is_refused(admin, query):
    assert only(admin.get(RUNS, query), 400) == {"reason": "InvalidField", "field": next(iter(query))}


def test_every_run_is_reached_once_while_new_ones_arrive(admin):
    made = add_runs({"seconds_ago": 1_000 - n} for n in range(1_000))
    found: list[str] = []
    address = f"{RUNS}?limit=90&kind=Trigger&status=Succeeded,Failed"
    while address:
        page = answer(admin, address)
        found, address = found + [run["id"] for run in page["results"]], page["next"]
        add_run()
    assert found == [str(run.pk) for run in reversed(made)]
    assert answer(admin, f"{RUNS}?limit=1000&before={made[-1].pk}")["next"] is None


def test_a_run_on_the_wire(admin, make):
    token, _ = make.token(name="internal")
    run = add_run(
        # Older than its subscript by more than the millisecond that orders them.
        seconds_ago=1,
        definition_id=uuid.UUID(int=7),
        route="tickets/{id}",
        called_route="tickets/7",
        method="POST",
        script_id=uuid.UUID(int=8),
        script_name="tickets",
        script_version=4,
        libraries="encoders@3 zones@1",
        token_id=token.pk,
        token_name="internal",
        client_address="192.0.2.7",
        node=1,
        status="Unanswered",
        error_code=1000,
        reason="NatsRequestFailed",
        request_bytes=12,
        has_log=True,
        later=json.dumps({"status": "Succeeded", "responseCode": 200, "errorCode": None}),
        not_kept_warm="It left a thread.",
    )
    RunLog.objects.create(run_id=run.pk, text="0\tone\n17\ttwo\tparts\n")
    child = add_run(parent_id=run.pk, kind="Subscript", script_name="sub", script_version=1, status="Failed")
    add_run(parent_id=run.pk, kind="Replay")
    accepted = time_of(run.pk)
    expected = {
        "id": str(run.pk),
        "kind": "Trigger",
        "parentId": None,
        "definitionId": str(uuid.UUID(int=7)),
        "route": "tickets/{id}",
        "calledRoute": "tickets/7",
        "method": "POST",
        "scriptName": "tickets",
        "scriptVersion": 4,
        "libraries": [{"name": "encoders", "version": 3}, {"name": "zones", "version": 1}],
        "tokenId": str(token.pk),
        "tokenName": "internal",
        "user": "",
        "clientAddress": "192.0.2.7",
        "node": 1,
        "acceptedAt": iso_utc(accepted),
        "startedAt": iso_utc(accepted + timedelta(milliseconds=1)),
        "endedAt": iso_utc(accepted + timedelta(milliseconds=23)),
        "queueMilliseconds": 1,
        "runMilliseconds": 20,
        "status": "Unanswered",
        "responseCode": None,
        "errorCode": 1000,
        "reason": "NatsRequestFailed",
        "message": "",
        "requestBytes": 12,
        "responseBytes": 0,
        "logTruncated": False,
        "notKeptWarm": "It left a thread.",
        "later": {"status": "Succeeded", "responseCode": 200, "errorCode": None, "reason": "", "message": ""},
    }
    assert answer(admin, RUNS)["results"][-1] == expected
    subscript = {"id": str(child.pk), "scriptName": "sub", "scriptVersion": 1, "status": "Failed"}
    details = {"log": "0\tone\n17\ttwo\tparts\n", "subscripts": [subscript]}
    assert answer(admin, f"{RUNS}{run.pk}/") == expected | details
    assert answer(admin, f"{RUNS}{child.pk}/")["parentId"] == str(run.pk)


def test_names_of_tokens_are_for_users_who_may_view_tokens(login, make):
    token, _ = make.token(name="internal")
    run = add_run(token_id=token.pk, token_name="internal")
    client = login("runs.ui_available")
    for shown in (answer(client, RUNS, token=token.pk)["results"][0], answer(client, f"{RUNS}{run.pk}/")):
        assert shown["tokenId"] == str(token.pk)
        assert "tokenName" not in shown
    assert only(client.get(RUNS, {"token": "internal"}), 400) == {"reason": "InvalidField", "field": "token"}
    assert answer(login("runs.ui_available", "tokens.ui_available"), RUNS)["results"][0]["tokenName"] == "internal"


def test_log_is_read_from_a_line_on(admin):
    run = add_run(has_log=True)
    RunLog.objects.create(run_id=run.pk, text="0\tone\n5\t\n17\ttwo\u2028still two\n")
    lines = [(0, "one"), (5, ""), (17, "two\u2028still two")]
    for start in range(5):
        found = answer(admin, f"{RUNS}{run.pk}/log/", start=start)
        assert [(line["milliseconds"], line["text"]) for line in found["lines"]] == lines[start:]
        assert found["isOver"]
    assert only(admin.get(f"{RUNS}{run.pk}/log/?start=-1"), 400) == {"reason": "InvalidField", "field": "start"}
    assert answer(admin, f"{RUNS}{add_run().pk}/log/") == {"lines": [], "isOver": True}


REQUEST = {
    "query": [["page", "1"], ["token", "•••"]],
    "headers": [["Accept", "*/*"]],
    "content_type": "text/plain",
    "body": "hello",
    "masked": [{"where": "query", "name": "token", "at": 1}],
}
RESPONSE = {
    "code": 201,
    "headers": {"X-A": ["1", "2"]},
    "is_text": False,
    "body": None,
    "binary": "/w==",
    "is_cut": True,
}


def keep(run, response=RESPONSE):
    stored = json.dumps(response) if response else ""
    RunBodies.objects.create(run_id=run.pk, request=json.dumps(REQUEST), response=stored)


def test_bodies_are_shown_and_each_look_leaves_an_event(login):
    run, without_response = add_run(has_bodies=True), add_run(has_bodies=True)
    keep(run)
    keep(without_response, response=None)
    client = login("runs.ui_available", "runs.bodies")
    reader = User.objects.latest("pk")
    User.objects.filter(pk=reader.pk).update(first_name="Ann", last_name="Lee")
    Publisher.forget_people()
    request = {
        "query": [["page", "1"], ["token", "•••"]],
        "headers": [["Accept", "*/*"]],
        "contentType": "text/plain",
        "body": "hello",
        "bodyBytes": None,
        "isCut": False,
        "masked": [{"where": "query", "name": "token"}],
    }
    response = {
        "responseCode": 201,
        "headers": {"X-A": ["1", "2"]},
        "body": "",
        "bodyBytes": "/w==",
        "isCut": True,
        "masked": [],
    }
    assert answer(client, f"{RUNS}{run.pk}/bodies/") == {"request": request, "response": response}
    assert answer(client, f"{RUNS}{without_response.pk}/bodies/") == {"request": request, "response": None}
    event = InformationEvent.objects.get(object_id=run.pk)
    assert (event.verb, event.object_type, event.user, event.user_name) == ("read", "Run", "Ann Lee", reader.username)
    assert event.message == f"Run {run.pk} bodies were read by Ann Lee"
    (shown,) = answer(client, f"{ROOT}events/", verb="read", objectId=run.pk)["results"]
    assert shown["message"] == event.message


def test_look_at_nothing_leaves_no_event(admin):
    run = add_run()
    assert answer(admin, f"{RUNS}{run.pk}/bodies/") == {"request": None, "response": None}
    assert not InformationEvent.objects.filter(object_id=run.pk)


@pytest.mark.parametrize("end", ["", "log/", "bodies/"])
def test_unknown_run_is_not_found(admin, stack, end):
    for key in (uuid.uuid4(), "x"):
        assert only(admin.get(f"{RUNS}{key}/{end}"), 404) == {"reason": "NotFound"}


def test_runs_need_their_flag(login):
    run = add_run()
    client = login("definitions.ui_available", "tokens.ui_available", "automation.execute", "runs.cancel")
    for address in (RUNS, f"{RUNS}{run.pk}/", f"{RUNS}{run.pk}/log/", f"{RUNS}{run.pk}/bodies/"):
        refused(client.get(address), 403)
    refused(login("runs.ui_available").get(f"{RUNS}{run.pk}/bodies/"), 403)
    refused(login("runs.bodies").get(f"{RUNS}{run.pk}/bodies/"), 403)


WAITING = """
import pathlib, time
from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine

def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    print("waits")
    while not pathlib.Path("{file}").exists():
        time.sleep(0.05)
    print("goes on")
    return ApiTriggerOutput(response_body="done")
"""


@pytest.fixture
def reader(stack):
    """Headers with the key of a user who may view runs."""
    user = User.objects.create_superuser("reader of runs")
    yield {"Authorization": f"Token {create_key(user, 'ci', 1)[1]}"}
    user.delete()


def test_run_is_seen_and_its_log_followed_while_it_goes_on(stack, publish, reader, kept):
    api = publish(WAITING.replace("{file}", str(kept / "go")))
    answers: list[httpx.Response] = []
    caller = threading.Thread(target=lambda: answers.append(api.call(stack.client)))
    caller.start()
    found: list[RunRecord] = []

    def is_running():
        found[:] = [record for record in current_runs.look().running if record.definition_id == str(api.definition.pk)]
        return found or not caller.is_alive()

    wait_until(is_running, what="the run is not shown")
    assert found, [(answer.status_code, answer.text) for answer in answers]
    address = f"{RUNS}{found[0].id}/"

    def get(end="", **query):
        response = stack.client.get(address + end, params=query, headers=reader)
        assert response.status_code == 200, response.text
        return response.json()

    shown = get()
    assert (shown["status"], shown["tokenName"], shown["endedAt"]) == ("Running", api.token.name, None)
    wait_until(lambda: get("log/")["lines"], what="the log is not shown")
    assert not get("log/")["isOver"]
    (kept / "go").touch()
    caller.join()
    store.store_all()
    rest = get("log/", start=1)
    assert ([line["text"] for line in rest["lines"]], rest["isOver"]) == (["goes on"], True)
    shown = get()
    assert (shown["status"], shown["id"]) == ("Succeeded", answers[0].headers["X-Trigger-Id"])
    assert [line.partition("\t")[2] for line in shown["log"].splitlines()] == ["waits", "goes on"]


def test_run_is_found_before_it_is_stored(stack, publish, reader):
    api = publish()
    key = api.call(stack.client, content="abc", headers={"Content-Type": "text/plain"}).headers["X-Trigger-Id"]
    assert not Run.objects.filter(pk=key)
    shown = stack.client.get(f"{RUNS}{key}/", headers=reader).json()
    assert (shown["id"], shown["status"], shown["tokenName"]) == (key, "Succeeded", api.token.name)


def test_answers_are_as_the_document_says(admin):
    run = add_run(has_log=True, later=json.dumps({"status": "Succeeded", "responseCode": 200, "errorCode": None}))
    add_run(parent_id=run.pk, kind="Subscript")
    RunLog.objects.create(run_id=run.pk, text="0\tone\n")
    keep(run)
    for address in ("", "{key}/", "{key}/log/", "{key}/bodies/"):
        operation = document()["paths"][RUNS + address]["get"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        for key in (run.pk, add_run().pk):
            found = answer(admin, RUNS + address.format(key=key))
            Draft202012Validator(schema | {"components": document()["components"]}).validate(found)
