"""The place in a trace that a caller names reaches the script and its subscripts, although nothing is recorded."""

import io
import json
import subprocess

from django.core.management import call_command

from testbed.stack import PYTHON, ROOT
from tests.endpoint.wire import exchange, head
from tests.traces.scripts import TELLS, calls_subscripts, traceparent

NO_PLACE = {"engine": "", "TRACEPARENT": None, "TRACESTATE": None}
PLACE = {"engine": traceparent(), "TRACEPARENT": traceparent(), "TRACESTATE": "foo=1,bar=2"}
HEADERS = {"traceparent": traceparent(), "tracestate": "foo=1,bar=2"}


def test_script_and_subscript_stand_where_the_caller_says(stack, publish):
    told = calls_subscripts(publish).call(stack.client, headers=HEADERS).json()
    assert (told["own"], told["waited"]) == (PLACE, PLACE)


def test_next_run_of_a_warm_process_does_not_find_the_place_of_the_last(stack, publish):
    api = publish(TELLS)
    told = [api.call(stack.client, headers=headers).json() for headers in (HEADERS, {}, {"tracestate": "foo=1"})]
    assert told == [PLACE, NO_PLACE, NO_PLACE]


def test_header_that_comes_twice_is_ignored_and_states_are_joined(stack, publish):
    api = publish(TELLS)
    bearer = ("Authorization", api.headers["Authorization"])
    other = ("traceparent", traceparent("f" * 32))
    twice = head("GET", api.path, bearer, ("TraceParent", traceparent()), other)
    assert exchange(stack.url, twice).json() == NO_PLACE
    states = ("tracestate", "foo=1"), ("TRACESTATE", "bar=2")
    assert exchange(stack.url, head("GET", api.path, bearer, ("TRACEPARENT", traceparent()), *states)).json() == PLACE


def test_script_may_send_its_place_on_but_the_caller_gets_none_back(stack, publish):
    answer = publish(TELLS).call(stack.client, headers=HEADERS)
    assert not {"traceparent", "tracestate"} & set(answer.headers)


def test_message_trial_and_run_of_a_user_stand_where_their_request_says(stack, publish, user):
    api = publish(TELLS)
    bodies = {
        "trigger": {"requestMethod": "Post", "route": api.definition.route, "secret": api.secret},
        "runs": {"definitionId": str(api.definition.pk), "method": "Post"},
        "scripts/trial": {"source": TELLS, "method": "Post"},
    }
    for address, body in bodies.items():
        answer = stack.client.post(f"/api/management/{address}/", json=body, headers=HEADERS | user)
        assert json.loads(answer.json()["actionResult"]["responseBody"]) == PLACE, (address, answer.text)


def test_commands_take_their_place_from_the_environment(stack, publish, tmp_path, monkeypatch):
    api = publish(TELLS)
    file, secret = tmp_path / "tells.py", tmp_path / "secret"
    file.write_text(TELLS)
    secret.write_text(api.secret)
    named = {name: str(PLACE[name]) for name in ("TRACEPARENT", "TRACESTATE")}
    words = ["trigger", api.definition.route, "--secret-file", str(secret)]
    ended = subprocess.run(
        [PYTHON, "manage.py", *words], cwd=ROOT, env=stack.environment | named, capture_output=True, check=True
    )
    assert json.loads(json.loads(ended.stdout)["actionResult"]["responseBody"]) == PLACE
    output = io.StringIO()
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    call_command("run_script", str(file), stdout=output)
    assert json.dumps(PLACE, separators=(",", ":")) in output.getvalue()
