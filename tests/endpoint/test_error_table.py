"""Every row of the error table, over HTTP.

The gunicorn and the worker node are two machines here, so that `faultingNode` tells them apart.
"""

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from celery import current_app
from django.db.models import JSONField, Value

from automation.versions import ScriptVersion
from broker.installation import last_use_key
from definitions.models import ActionType, ApiDefinition, InputType
from endpoint import errors
from fleet import redis_keys
from objects.changes import save_checked
from testbed.stack import wait_until
from tests.endpoint.broken_storage import remove_script_row
from tests.endpoint.catalogue import (
    LARGEST_BODY,
    MAY_HAVE_RUN,
    METHODS,
    NEVER_STARTED,
    ROWS,
    assert_error,
    assert_trigger_id,
)
from tests.endpoint.conftest import ENDPOINT_NODE
from tests.endpoint.fakenode import NODE_ID, reports
from tests.endpoint.messages import NO_ENTRY_POINT, RUNS, UNKNOWN, returns, sets
from tests.endpoint.wire import Connection, chunked, exchange, head
from tests.fleet.conftest import Held
from tests.runs.conftest import shown_running

JSON = {"Content-Type": "application/json"}
RAISES = "def on_api_trigger(engine, request):\n    raise ValueError('hidden detail')"
FAILS = "def run(engine):\n    engine.exit_fail('hidden detail')"


def test_the_catalogue_of_the_code_is_the_table():
    rows = {row.code: row for row in errors.CATALOGUE.values()}
    assert {code: (row.status, row.names_node, row.detail) for code, row in rows.items()} == ROWS


# --- What the endpoint refuses by itself: source, what is published with it, the call, the code ---

REFUSED: dict[str, tuple[int, dict[str, Any], dict[str, Any]]] = {
    "empty route": (1, {}, {"path": "/api/custom"}),
    "a slash only": (1, {}, {"path": "/api/custom//"}),
    "HEAD": (3, {}, {"method": "HEAD"}),
    "OPTIONS": (3, {}, {"method": "OPTIONS"}),
    "another method": (3, {}, {"method": "PROPFIND"}),
    "no definition": (5, {}, {"path": "/api/custom/nothing/here"}),
    "no parameters": (10, {"input_type": InputType.PARAMETERS}, {"content": b"[1]", "headers": JSON}),
    "no parameters for run": (10, {"source": RUNS, "action_type": NO_ENTRY_POINT}, {"content": b"{", "headers": JSON}),
    "no secret": (1008, {}, {"headers": {"Authorization": ""}}),
    "another scheme": (1008, {}, {"headers": {"Authorization": "Basic dTpw"}}),
    "an empty secret": (1010, {}, {"headers": {"Authorization": "Bearer"}}),
    "an unknown secret": (1010, {}, {"headers": {"Authorization": f"Bearer {UNKNOWN}"}}),
    "a long query": (1011, {}, {"params": {"q": "x" * 2_047}}),
    "a picture": (1003, {}, {"content": b"x", "headers": {"Content-Type": "image/png"}}),
    "no content type": (1003, {}, {"content": b"x"}),
    "no UTF-8": (1007, {}, {"content": b"\xff", "headers": JSON}),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_refused_requests_get_their_error(far_web, publish, fault):
    code, published, call = REFUSED[fault]
    answer = publish(**published).call(far_web.client, **call)
    if call.get("method") == "HEAD":
        assert (answer.status_code, answer.headers["Allow"], answer.content) == (405, METHODS, b"")
        assert_trigger_id(answer.headers)
        return
    assert_error(answer, code, node=ENDPOINT_NODE)


def test_missing_script_parameters_are_named(far_web, publish):
    api = publish(RUNS, action_type=NO_ENTRY_POINT, parameters=["host", "port", "user"])
    answer = api.call(far_web.client, json={"port": 1, "user": None})
    assert_error(answer, 16, node=ENDPOINT_NODE, missing=["host", "user"])


def test_a_disabled_token_is_error_1010(far_web, publish):
    api = publish(token=publish.token(is_disabled=True))
    assert_error(api.call(far_web.client), 1010)


def test_a_token_that_is_not_allowed_is_error_1010(far_web, publish):
    _, secret = publish.token()
    assert_error(publish().call(far_web.client, headers={"Authorization": f"Bearer {secret}"}), 1010)


def test_a_disabled_api_is_error_2009_from_the_next_request_on(far_web, stack, publish):
    api = publish()
    _, stranger = publish.token()
    for is_disabled in (False, True, False):
        api.definition.is_disabled = is_disabled
        save_checked(api.definition, "system")
        for web in (far_web, stack):
            answer = api.call(web.client)
            if is_disabled:
                assert_error(answer, 2009)
            else:
                assert answer.status_code == 200
            # Whether an API is disabled is told only to those whom it allows.
            assert_error(api.call(web.client, headers={"Authorization": f"Bearer {stranger}"}), 1010)


def test_a_cancelled_run_is_error_2007(far_web, publish, worker_node):
    api = publish("import time\ndef on_api_trigger(engine, request): time.sleep(600)")
    with ThreadPoolExecutor(1) as callers:
        called = callers.submit(api.call, far_web.client)
        running = shown_running(definition_id=api.definition.pk)
        current_app.control.terminate(running.id, reply=True, timeout=10, limit=1)
        assert_error(called.result(timeout=60), 2007, node=worker_node)


def test_a_call_beyond_the_limit_of_an_api_is_error_2008(stack, far_web, publish, kept):
    held = Held(stack, publish, kept)
    held.api.definition.max_concurrent = 1
    save_checked(held.api.definition, "system")
    with held.busy(1):
        assert_error(held.api.call(far_web.client), 2008)


def test_a_reached_rate_limit_is_error_1014(far_web, publish):
    api = publish(token=publish.token(rate_limit=1, rate_window_seconds=50))
    assert api.call(far_web.client).status_code == 200
    refused = api.call(far_web.client)
    assert_error(refused, 1014)
    assert 45 <= int(refused.headers["Retry-After"]) <= 50


def test_an_announced_body_that_is_too_large_is_error_1009(far_web, publish):
    api = publish()
    request = head("POST", api.path, *api.headers.items(), ("Content-Length", str(LARGEST_BODY + 1)))
    assert_error(exchange(far_web.url, request), 1009)


def test_a_chunked_body_that_is_too_large_is_error_1009(far_web, publish):
    api = publish()
    request = head("POST", api.path, *api.headers.items(), *JSON.items(), ("Transfer-Encoding", "chunked"))
    parts = itertools.chain(itertools.repeat(b"1" * 1_048_576, 30), [b"1"])
    assert_error(exchange(far_web.url, request, chunked(parts)), 1009)


def test_a_body_that_is_broken_off_is_error_1007(far_web, publish):
    api = publish()
    with Connection(far_web.url) as connection:
        connection.send(head("POST", api.path, *api.headers.items(), *JSON.items(), ("Content-Length", "9")), b"12345")
        connection.end_of_sending()
        assert_error(connection.answer(), 1007)


# --- Broken stored rows ---

BROKEN: dict[str, tuple[int, dict[str, Any]]] = {
    "an unknown action type": (11, {"action_type": "Other"}),
    "an unknown input type": (9, {"input_type": "Other"}),
    "an input type without need": (9, {"action_type": NO_ENTRY_POINT}),
    "no input type": (9, {"input_type": ""}),
    "no script": (9, {"script": None}),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_definition_gets_its_error(far_web, publish, fault):
    code, changes = BROKEN[fault]
    api = publish()
    ApiDefinition._base_manager.filter(pk=api.definition.pk).update(**changes)
    assert_error(api.call(far_web.client), code, node=ENDPOINT_NODE)


def test_a_deleted_script_is_error_15(far_web, publish):
    api = publish()
    remove_script_row(api.definition.script)
    assert_error(api.call(far_web.client), 15, node=ENDPOINT_NODE)


@pytest.mark.parametrize(("source", "action_type"), [(RAISES, ActionType.AUTOMATION_SCRIPT), (RUNS, NO_ENTRY_POINT)])
def test_a_script_without_its_entry_point_is_error_15(far_web, publish, source, action_type):
    api = publish(source, action_type=action_type)
    script = api.definition.script
    script.source = RUNS if source == RAISES else RAISES
    script.save()
    assert_error(api.call(far_web.client), 15, node=ENDPOINT_NODE)


def test_an_unexpected_exception_is_error_8(far_web, publish):
    api = publish(RUNS, action_type=NO_ENTRY_POINT)
    ScriptVersion._base_manager.update(parameters=Value(None, JSONField()))
    assert_error(api.call(far_web.client), 8, node=ENDPOINT_NODE)


def test_an_unreadable_database_is_error_8(stack, publish, tmp_path):
    """Not even the machine's own number can be read from the database."""
    api = publish()
    broken = {"DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3", "UDAPI_NODE_ID": "77", "UDAPI_WEB_WORKERS": "1"}
    with stack.another_web(**broken) as web:
        answer = api.call(web.client)
        assert_error(answer, 8, node=answer.json()["errors"][0]["faultingNode"])
        assert_error(api.call(web.client, headers={"Authorization": "Bearer x"}), 1010)


# --- What a run ends in ---

RUN_ENDS = {
    "raises": (12, RAISES),
    "exits as failed": (12, "def on_api_trigger(engine, request):\n    engine.exit_fail('hidden detail')"),
    "is killed": (12, "import os\ndef on_api_trigger(engine, request):\n    os.kill(os.getpid(), 9)"),
    "ends its process": (12, "import os\ndef on_api_trigger(engine, request):\n    os._exit(0)"),
    "raises while it is loaded": (12, "def on_api_trigger(engine, request): ...\nraise ValueError('hidden detail')"),
    "returns nothing": (13, returns("None")),
    "returns text": (13, returns("'text'")),
    "returns a code that is text": (13, returns("ApiTriggerOutput('200')")),
    "returns a code that is a truth value": (13, returns("ApiTriggerOutput(True)")),
    "returns too much text": (17, returns(f"ApiTriggerOutput(response_body='x' * {LARGEST_BODY + 1})")),
    "returns too many bytes": (17, returns(f"ApiTriggerOutput(response_body_bytes=b'x' * {LARGEST_BODY + 1})")),
    "answers 199": (1002, returns("ApiTriggerOutput(199)")),
    "answers 600": (1002, returns("ApiTriggerOutput(600)")),
    "sets a cookie": (1012, sets("Set-Cookie")),
    "sets what is no header": (1013, sets("no token")),
}


@pytest.mark.parametrize("ending", RUN_ENDS)
def test_each_ending_of_a_run_gets_its_error(far_web, publish, worker_node, ending):
    code, source = RUN_ENDS[ending]
    assert_error(publish(source).call(far_web.client), code, node=worker_node)


def test_a_script_that_exceeds_its_time_out_is_error_12(far_web, publish, worker_node):
    api = publish("import time\ndef on_api_trigger(engine, request):\n    time.sleep(30)", timeout_seconds=1)
    begun = time.monotonic()
    assert_error(api.call(far_web.client), 12, node=worker_node)
    assert 1 <= time.monotonic() - begun < 15


def test_a_failed_script_without_entry_point_is_error_12(far_web, publish, worker_node):
    assert_error(publish(FAILS, action_type=NO_ENTRY_POINT).call(far_web.client), 12, node=worker_node)


# --- What a node reports, and what it does not ---

OWN = {"UnexpectedException": 8, "AutomationActionError": 12, "GetScriptInfoFailed": 15}
REPORTED = OWN | {"": 1004, "ReasonOfTomorrow": 1005}


@pytest.mark.parametrize("reason", REPORTED)
def test_a_reported_error_reaches_the_caller(lonely, fake_node, publish, reason):
    api = publish()
    with fake_node.answers(reports(reason, "hidden detail")):
        assert_error(api.call(lonely.client), REPORTED[reason], node=NODE_ID)


@pytest.mark.parametrize(
    "frame", [b"", b"\xff\xff", b"\0\1\0\0\0\2{}", b"\0\1\0\0\0\4null", b"\0\1\0\0\0\1{}", b"\0\2\0\0\0\2{}"]
)
def test_an_unreadable_frame_is_error_1004(lonely, fake_node, publish, frame):
    api = publish()
    with fake_node.answers(frame):
        assert_error(api.call(lonely.client), 1004, node=ENDPOINT_NODE)


def test_a_trigger_that_never_started_is_error_1001(lonely, fake_node, publish):
    fake_node.live()
    api = publish()
    begun = time.monotonic()
    assert_error(api.call(lonely.client), 1001, detail=NEVER_STARTED)
    assert 2 <= time.monotonic() - begun < 6


def test_a_trigger_that_may_have_run_is_error_1001(lonely, fake_node, publish):
    api = publish()
    with fake_node.answers(None):
        begun = time.monotonic()
        assert_error(api.call(lonely.client), 1001, detail=MAY_HAVE_RUN)
        assert 2 <= time.monotonic() - begun < 6


def test_a_full_broker_is_error_1001(lonely, fake_node, publish):
    fake_node.live()
    api = publish()
    fake_node.redis.config_set("maxmemory", 1)
    try:
        assert_error(api.call(lonely.client), 1001, detail=NEVER_STARTED)
    finally:
        fake_node.redis.config_set("maxmemory", 2**30)


def test_a_refused_job_leaves_no_large_body_in_a_full_broker(lonely, fake_node, publish):
    fake_node.live()
    api, headers = publish(), {"Content-Type": "text/plain"}
    # The body fits, but then Redis is full.
    fake_node.redis.config_set("maxmemory", fake_node.redis.info("memory")["used_memory"] + 1_000_000)
    try:
        answer = api.call(lonely.client, content="x" * 5_000_000, headers=headers)
        assert_error(answer, 1001, detail=NEVER_STARTED)
        assert not fake_node.redis.keys(redis_keys.body("*"))
    finally:
        fake_node.redis.config_set("maxmemory", 2**30)


def test_a_broker_that_refuses_to_note_the_tokens_use_has_not_queued_the_job(lonely, fake_node, publish):
    fake_node.live()
    fake_node.redis.set(last_use_key(), "no hash")
    assert_error(publish().call(lonely.client), 1001, detail=NEVER_STARTED)
    assert fake_node.redis.llen(redis_keys.queue()) == 0 and not fake_node.redis.keys(redis_keys.ticket("*"))


def assert_is_answered_early(api, web):
    """Before the caller's time of two seconds is over; on a busy machine, not each time."""
    wait_until(lambda: _seconds_of_a_call(api, web) < 2, what="an answer before the caller's time is over")


def _seconds_of_a_call(api, web):
    begun = time.monotonic()
    api.call(web.client)
    return time.monotonic() - begun


def test_without_a_worker_node_the_error_is_7(lonely, publish):
    api = publish()
    assert_error(api.call(lonely.client), 7)
    assert_is_answered_early(api, lonely)


def test_a_full_queue_is_error_7(lonely, fake_node, publish):
    fake_node.live()
    fake_node.redis.rpush(redis_keys.queue(), *["{}"] * 10_000)
    api = publish()
    assert_error(api.call(lonely.client), 7)
    assert_is_answered_early(api, lonely)


@pytest.mark.parametrize("limit", [{}, {"rate_limit": 9, "rate_window_seconds": 9}])
def test_without_redis_the_error_is_1006(without_broker, publish, limit):
    api = publish(token=publish.token(**limit))
    assert_error(api.call(without_broker.client), 1006)
    assert_is_answered_early(api, without_broker)


def test_no_error_tells_what_is_behind_it(far_web, publish):
    content = json.dumps(publish(RAISES).call(far_web.client).json())
    assert not [word for word in ("hidden", "ValueError", "Traceback", "script", "/") if word in content]
