"""Runs that users ask for: of a definition, of unsaved source, and once more of what a run was sent."""

import json
from typing import Any

import pytest

from automation.models import ScriptVersion
from definitions.changes import save_definition
from objects.changes import save_checked
from runs.models import Run, RunBodies
from runs.user_requests import UserRequest, repeated, sent_with, values_needed
from runs.user_runs import UserTrial, run_definition, try_source
from tests.refusals import refused

WHO: dict[str, Any] = {"user": "jane", "client_address": "192.0.2.7"}

SHOW = """
import json
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    print("called")
    seen = {
        "token": request.context.token_id,
        "route": request.route,
        "routeParameters": request.route_parameters,
        "query": {name: request.query_parameters.get_all(name) for name in request.query_parameters.keys()},
        "body": request.raw_body,
        "method": request.request_method.value,
    }
    return ApiTriggerOutput(response_body=json.dumps(seen))
"""

ANSWER = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body={0!r})
"""


def trial(source, **fields):
    values = {"parameters": [], "timeout_seconds": 60, "memory_limit_mb": 512, "calls_run": False}
    return UserTrial(**{"name": "", "source": source, "reads_parameters": False} | values | fields)


def body_of(told):
    assert told.error is None, told.error
    return told.answer.body.decode()


def run_id(told):
    return told.statistics.trigger_id


# --- A definition ---


def test_definition_runs_without_a_token(stack, publish, stored):
    api = publish(SHOW)
    told = run_definition(api.definition, UserRequest("put", [("a", "1"), ("a", "2")], [], "body"), **WHO)
    seen = json.loads(body_of(told))
    assert (seen["token"], seen["method"], seen["query"], seen["body"]) == (None, "Put", {"a": ["1", "2"]}, "body")
    assert told.log.endswith("\tcalled\n")
    run = stored(run_id(told))
    assert (run.kind, run.user, run.client_address, run.token_id) == ("Trial", "jane", "192.0.2.7", None)
    assert (run.definition_id, run.script_version, run.status) == (api.definition.pk, 1, "Succeeded")


def test_disabled_definition_can_be_run(stack, publish):
    api = publish(SHOW)
    api.definition.is_disabled = True
    save_definition(api.definition, "system")
    assert body_of(run_definition(api.definition, UserRequest("GET"), **WHO))


def test_version_is_chosen_explicitly(stack, publish, stored):
    api = publish(ANSWER.format("one"))
    script = api.definition.script
    script.source = ANSWER.format("two")
    save_checked(script, "system")
    now = run_definition(api.definition, UserRequest("GET"), **WHO)
    before = run_definition(api.definition, UserRequest("GET", script_version=1), **WHO)
    assert (body_of(now), body_of(before)) == ("two", "one")
    assert stored(run_id(before)).script_version == 1
    missing = UserRequest("GET", script_version=9)
    assert refused(run_definition, api.definition, missing, **WHO)[1]["field"] == "scriptVersion"


def test_placeholders_need_a_route(stack, publish):
    api = publish(SHOW, route="encoders/{id}/status")
    seen = json.loads(body_of(run_definition(api.definition, UserRequest("GET", route="Encoders/a%20b/status"), **WHO)))
    assert seen["routeParameters"] == {"id": "a b"}
    for route in ("", "encoders/7", "decoders/7/status", "encoders/%2F/status"):
        reason, details = refused(run_definition, api.definition, UserRequest("GET", route=route), **WHO)
        assert (reason, details["field"]) == ("InvalidField", "route")


def test_unknown_method_is_refused(stack, publish):
    api = publish(SHOW)
    reason, details = refused(run_definition, api.definition, UserRequest("HEAD"), **WHO)
    assert (reason, details["field"]) == ("InvalidField", "method")


def test_check_of_parameters_is_made_and_recorded(stack, publish, stored):
    api = publish("def run(engine): pass", action_type="AutomationScriptNoEntryPoint", parameters=["name"])
    told = run_definition(api.definition, UserRequest("POST", raw_body="{}"), **WHO)
    assert told.error is not None
    assert (told.error.code, told.error.parameters) == (16, ["name"])
    run = stored(run_id(told))
    assert (run.status, run.error_code, run.kind) == ("Refused", 16, "Trial")


# --- Unsaved source ---


def test_unsaved_source_is_tried(stack, open_db, stored):
    told = try_source(trial(SHOW), UserRequest("POST", raw_body="x", route="encoders/{id=7}"), **WHO)
    seen = json.loads(body_of(told))
    assert (seen["routeParameters"], seen["token"]) == ({"id": "7"}, None)
    assert told.log.endswith("\tcalled\n")
    run = stored(run_id(told))
    assert (run.kind, run.definition_id, run.script_id, run.script_version) == ("Trial", None, None, None)
    assert (run.script_name, run.called_route, run.method) == ("unsaved", "encoders/7", "Post")
    assert not ScriptVersion.objects.exists()


def test_trial_of_a_stored_script_leaves_it_alone(stack, publish, stored):
    script = publish.script(SHOW, name="shown")
    told = try_source(trial(ANSWER.format("new"), name="shown", script_id=str(script.pk)), UserRequest("GET"), **WHO)
    assert body_of(told) == "new"
    script.refresh_from_db()
    assert script.source == SHOW
    run = stored(run_id(told))
    assert (run.script_id, run.script_name, run.script_version) == (script.pk, "shown", None)


def test_tried_source_imports_libraries(stack, publish, stored):
    publish.script("def twice(text): return text * 2", name="texts", kind="Library")
    source = "from scripts.texts import twice\n" + ANSWER.replace("{0!r}", "twice('ab')")
    told = try_source(trial(source), UserRequest("GET"), **WHO)
    assert body_of(told) == "abab"
    assert stored(run_id(told)).used_libraries() == {"texts": 1}


def test_run_without_entry_point_is_tried(stack, open_db):
    source = "def run(engine):\n    print(engine.script_param('name').value)"
    asked = UserRequest("POST", raw_body='{"name": "Ada"}')
    told = try_source(trial(source, calls_run=True, parameters=["name"]), asked, **WHO)
    assert told.error is None and told.log.endswith("\tAda\n")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"source": "def on_api_trigger(:"}, "InvalidScript"),
        ({"source": "x = 1"}, "InvalidScript"),
        ({"source": "import scripts.nowhere\n" + SHOW}, "InvalidScript"),
        ({"calls_run": True}, "InvalidActionMeta"),
        ({"timeout_seconds": 0}, "InvalidField"),
        ({"memory_limit_mb": 1}, "InvalidField"),
    ],
)
def test_what_could_not_be_saved_is_not_tried(open_db, fields, reason):
    assert refused(try_source, trial(**{"source": SHOW} | fields), UserRequest("GET"), **WHO)[0] == reason


# --- What a run was sent ---


def test_kept_request_is_sent_again(stack, publish, stored):
    api = publish(SHOW, route="encoders/{id}")
    api.definition.keep_bodies = "Everything"
    save_definition(api.definition, "system")
    first = api.call(
        stack.client, "PUT", "/api/custom/encoders/7?a=1&a=%20", content="äöü", headers={"Content-Type": "text/plain"}
    )
    run = stored(first.headers["X-Trigger-Id"], lambda run: RunBodies.objects.filter(pk=run.pk).exists())
    again = run_definition(api.definition, repeated(run, "jane"), repeats=run, **WHO)
    told = first.json() | {"token": None}
    assert json.loads(body_of(again)) == told
    replay = stored(run_id(again))
    assert (replay.kind, replay.parent_id, replay.called_route) == ("Replay", run.pk, "encoders/7")
    kept = sent_with(replay)
    assert kept is not None
    assert (kept.query, kept.body) == ([("a", "1"), ("a", " ")], "äöü")


def test_masked_values_are_asked_for(stack, publish, stored):
    api = publish(SHOW)
    api.definition.keep_bodies = "Everything"
    save_definition(api.definition, "system")
    sent = UserRequest("POST", [("apiKey", "k")], [("Content-Type", "application/json")], '{"password": "p", "a": 1}')
    run = stored(run_id(run_definition(api.definition, sent, **WHO)), lambda run: RunBodies.objects.filter(pk=run.pk))
    _, details = refused(repeated, run, "jane")
    named = [("query", "apiKey"), ("body", "/password")]
    assert [(place["where"], place["name"]) for place in details["masked"]] == named
    kept = sent_with(run)
    assert kept is not None
    assert len(values_needed(kept)) == 2
    filled = repeated(run, "jane", ["new", "pass"])
    assert (filled.query, json.loads(filled.raw_body)) == ([("apiKey", "new")], {"password": "pass", "a": 1})


def test_nothing_is_repeated_where_nothing_was_kept(stack, publish, stored):
    api = publish(SHOW)
    run = stored(run_id(run_definition(api.definition, UserRequest("GET"), **WHO)))
    reason, details = refused(repeated, run, "jane")
    assert (reason, details["field"]) == ("InvalidField", "replayOf")


def test_run_of_another_definition_is_not_repeated(stack, publish, stored):
    one, other = publish(SHOW), publish(SHOW)
    run = stored(run_id(run_definition(one.definition, UserRequest("GET"), **WHO)))
    _, details = refused(run_definition, other.definition, UserRequest("GET"), repeats=run, **WHO)
    assert details["field"] == "replayOf"
    assert not Run.objects.filter(definition_id=other.definition.pk).exists()
