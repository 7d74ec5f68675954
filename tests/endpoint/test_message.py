"""The trigger message as a Python function: every reason, the result, the statistics, the log."""

import base64
import json
import logging
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from django.db.models import JSONField, Value

from automation import queue
from automation.limits import concurrency_limit
from automation.models import AutomationScript
from definitions.models import ActionType, ApiDefinition, InputType
from endpoint import manager
from endpoint.message import TriggerMessage, trigger
from tests.endpoint.breaking import remove_script_row
from tests.endpoint.catalogue import LARGEST_BODY
from tests.endpoint.fakenode import INSTANCE, reports
from tests.publishing import ECHO
from tests.stack import wait_until
from udapi_site.logs import TRIGGER_LOGGER

NO_ENTRY_POINT = ActionType.NO_ENTRY_POINT
UNKNOWN = "well-formed-but-unknown-" + "x" * 32

ALL = """
import json
from automation.sdk import *
def on_api_trigger(engine, request):
    seen = {
        "method": request.request_method.value, "route": request.route, "body": request.raw_body,
        "parameters": request.parameters, "route_parameters": request.route_parameters,
        "query": {name: request.query_parameters.get_all(name) for name in request.query_parameters.keys()},
        "token": request.context.token_id, "trigger": request.context.trigger_id,
    }
    output = ApiTriggerOutput(response_code=StatusCode.ACCEPTED, response_body=json.dumps(seen))
    output.response_headers.add("X-Many", "one", "two")
    return output
"""
RAISES = "def on_api_trigger(engine, request):\n    raise ValueError('the cause')"
RUNS = "def run(engine):\n    pass"
SLEEPS = ECHO.replace("return", "import time; time.sleep(float(request.raw_body)); return")


def returns(expression: str) -> str:
    """A script that returns `expression`."""
    return f"from automation.sdk import *\ndef on_api_trigger(engine, request):\n    return {expression}\n"


def sets(name: str, value: str = "x") -> str:
    """A script that sets a header."""
    output = f"output.response_headers.set({name!r}, {value!r})"
    start = "from automation.sdk import *\ndef on_api_trigger(engine, request):\n    output = ApiTriggerOutput()\n"
    return f"{start}    {output}\n    return output\n"


def to(api, **fields) -> TriggerMessage:
    """A message that triggers `api`, but for what the test says."""
    message = TriggerMessage(request_method="Post", route=api.definition.route, secret=api.secret)
    return replace(message, **fields)


def failed(sent: TriggerMessage) -> Any:
    """The one error of the answer."""
    answer = trigger(sent).as_json()
    assert answer["actionResult"] is None
    (error,) = answer["traceData"]["errorData"]
    assert set(error) == {"reason", "message", "parameters"}
    assert error["message"], "a maintainer wants to know"
    assert sent.secret not in error["message"] or not sent.secret
    return error


def result(sent: TriggerMessage) -> Any:
    """The result of a trigger that succeeded."""
    answer = trigger(sent).as_json()
    assert answer["traceData"] == {"errorData": []}
    return answer["actionResult"]


# --- What a script gets and gives ---


def test_a_script_sees_what_it_would_see_over_http(stack, publish):
    api = publish(ALL, route="things/{id}/{part}")
    sent = to(
        api,
        request_method="pAtCh",
        route="/THINGS/a%20b//ü%25/",
        raw_body="grün",
        query_parameters={"k": ["1", ""], "K": ["ß +"], "none": []},
    )
    answer = trigger(sent).as_json()
    got = answer["actionResult"]
    seen = json.loads(got["responseBody"])
    assert got["responseCode"] == 202
    assert got["responseHeaders"] == {"X-Many": ["one", "two"]}
    assert got["responseBodyBytes"] is None
    assert seen == {
        "method": "Patch",
        "route": "THINGS/a b/ü%",
        "body": "grün",
        "parameters": {},
        "route_parameters": {"id": "a b", "part": "ü%"},
        "query": {"k": ["1", ""], "K": ["ß +"]},
        "token": str(api.token.pk),
        "trigger": answer["statistics"]["triggerId"],
    }


@pytest.mark.parametrize("method", ["Get", "Put", "Post", "Delete", "Patch", "GET", "delete"])
def test_every_method_in_any_case(stack, publish, method):
    got = result(to(publish(ALL), request_method=method))
    assert json.loads(got["responseBody"])["method"] == method.capitalize()


def test_bytes_are_told_in_base64(stack, publish):
    got = result(to(publish(returns("ApiTriggerOutput(response_body_bytes=b'\\xff\\0')"))))
    assert (got["responseBody"], base64.b64decode(got["responseBodyBytes"])) == ("", b"\xff\0")


def test_a_script_without_entry_point(stack, publish):
    got = result(to(publish(RUNS, action_type=NO_ENTRY_POINT, parameters=["a"]), raw_body='{"a": 1}'))
    assert got == {"responseCode": 200, "responseBody": "", "responseBodyBytes": None, "responseHeaders": {}}


def test_an_answer_of_a_script_is_no_error_whatever_its_code(stack, publish):
    assert result(to(publish(returns("ApiTriggerOutput(response_code=500)"))))["responseCode"] == 500


def test_there_is_no_rate_limit(stack, publish):
    api = publish(token=publish.token(rate_limit=1, rate_window_seconds=50))
    for _ in range(3):
        assert result(to(api))["responseCode"] == 200
    assert api.call(stack.client, content="").status_code == 200, "and no message counts"


def test_a_body_as_large_as_it_may_be(stack, publish):
    body = "ä" * (LARGEST_BODY // 2)
    assert result(to(publish(), raw_body=body))["responseBody"] == body


# --- Every reason ---

REASONS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "an unknown method": ("InvalidRequestMethod", {}, {"request_method": "Head"}),
    "no method": ("InvalidRequestMethod", {}, {"request_method": ""}),
    "no route": ("EmptyRoute", {}, {"route": ""}),
    "a route of slashes": ("EmptyRoute", {}, {"route": "//"}),
    "a large body": ("BodyTooLarge", {}, {"raw_body": "x" * (LARGEST_BODY + 1)}),
    "no secret": ("InvalidSecret", {}, {"secret": ""}),
    "a malformed secret": ("InvalidSecret", {}, {"secret": "ü" * 40}),
    "a mistyped secret": ("InvalidSecret", {}, {"secret": "udapi_" + "x" * 46}),
    "nobody's secret": ("TokenNotFound", {}, {"secret": UNKNOWN}),
    "no definition": ("DefinitionNotFound", {}, {"route": "nothing/here"}),
    "an impossible route": ("DefinitionNotFound", {}, {"route": "a/../b"}),
    "a route with NUL": ("DefinitionNotFound", {}, {"route": "a/\0"}),
    "no parameters": ("BodyToParametersConversionFailed", {"input_type": InputType.PARAMETERS}, {"raw_body": "[1]"}),
    "a script that raises": ("AutomationActionError", {"source": RAISES}, {}),
    "no output": ("InvalidAutomationActionResult", {"source": returns("None")}, {}),
    "a large response": ("ResponseBodyTooLarge", {"source": returns("ApiTriggerOutput(200, 'x' * 31457281)")}, {}),
    "a strange code": ("UnknownStatusCode", {"source": returns("ApiTriggerOutput(response_code=199)")}, {}),
    "a blocked header": ("ResponseHeadersNotAllowed", {"source": sets("Set-Cookie")}, {}),
    "a malformed header": ("ResponseHeadersInvalid", {"source": sets("no token")}, {}),
}


@pytest.mark.parametrize("fault", REASONS)
def test_the_exact_reason(stack, publish, fault):
    reason, published, sent = REASONS[fault]
    error = failed(to(publish(**published), **sent))
    assert (error["reason"], error["parameters"]) == (reason, [])


def test_a_disabled_token(stack, publish):
    assert failed(to(publish(token=publish.token(is_disabled=True))))["reason"] == "TokenDisabled"


def test_a_token_that_is_not_allowed(stack, publish):
    _, secret = publish.token()
    assert failed(to(publish(), secret=secret))["reason"] == "TokenNotAllowed"


def test_missing_script_parameters_are_named(stack, publish):
    api = publish(RUNS, action_type=NO_ENTRY_POINT, parameters=["host", "port", "user"])
    error = failed(to(api, raw_body='{"port": 1, "user": null}'))
    assert (error["reason"], error["parameters"]) == ("MissingScriptParameters", ["host", "user"])


def test_the_traceback_of_a_script_is_told(stack, publish):
    error = failed(to(publish(RAISES)))
    assert "Traceback" in error["message"]
    assert "ValueError: the cause" in error["message"]


@pytest.mark.parametrize(
    ("stored", "reason"),
    [({"action_type": "Nonsense"}, "InvalidActionType"), ({"input_type": "Nonsense"}, "InvalidActionMeta")],
)
def test_a_broken_definition(stack, publish, stored, reason):
    api = publish()
    ApiDefinition._base_manager.filter(pk=api.definition.pk).update(**stored)
    assert failed(to(api))["reason"] == reason


def test_a_script_that_is_gone(stack, publish):
    api = publish()
    remove_script_row(api.definition.script)
    assert failed(to(api))["reason"] == "GetScriptInfoFailed"


def test_an_exception_on_the_endpoint_is_told_with_its_traceback(stack, publish, monkeypatch):
    def breaks(*_: object) -> None:
        raise LookupError("a mistake")

    api = publish()
    monkeypatch.setattr(manager, "admit", breaks)
    error = failed(to(api))
    assert error["reason"] == "UnexpectedException"
    assert "Traceback" in error["message"]
    assert "LookupError: a mistake" in error["message"]


def test_an_exception_on_the_node_is_told_with_its_traceback(stack, publish):
    api = publish()
    # A node expects a list of names.
    rows = AutomationScript._base_manager.filter(pk=api.definition.script_id)
    rows.update(source="x", version=99, parameters=Value(5, JSONField()))
    error = failed(to(api))
    assert error["reason"] == "UnexpectedException"
    assert "Traceback" in error["message"]


def test_no_worker_node(lonely, fake_node, publish):
    assert failed(to(publish()))["reason"] == "ManagerNotInitialized"


def test_no_answer_in_time(lonely, fake_node, publish, settings):
    settings.UDAPI_TRIGGER_TIMEOUT_SECONDS = 1
    fake_node.live()
    error = failed(to(publish()))
    assert (error["reason"], error["message"]) == ("NatsRequestFailed", "never started")


def test_no_broker(lonely, fake_node, publish):
    fake_node.live()
    lonely.stop_redis()
    try:
        assert failed(to(publish()))["reason"] == "MessageBrokerNotInitialized"
    finally:
        lonely.redis = lonely.start_redis()


@pytest.mark.parametrize(("reason", "told"), [("", "UnspecifiedErrorReason"), ("OfTomorrow", "UnknownErrorReason")])
def test_what_a_node_reports_that_nobody_knows(lonely, fake_node, publish, reason, told):
    api = publish()
    with fake_node.answers(reports(reason, "what it says")):
        assert failed(to(api)) == {"reason": told, "message": "what it says", "parameters": []}


# --- The order of the checks is that of the contract for HTTP ---


def test_the_first_check_that_fails_answers(stack, publish):
    api = publish(input_type=InputType.PARAMETERS)
    ApiDefinition._base_manager.filter(pk=api.definition.pk).update(input_type="Nonsense")
    _, stranger = publish.token()
    faults = [
        ("InvalidRequestMethod", {"request_method": ""}),
        ("EmptyRoute", {"route": ""}),
        ("BodyTooLarge", {"raw_body": "x" * (LARGEST_BODY + 1)}),
        ("InvalidSecret", {"secret": "short"}),
        ("DefinitionNotFound", {"route": "nothing/here"}),
        ("TokenNotAllowed", {"secret": stranger}),
        ("InvalidActionMeta", {}),
    ]
    for number, (reason, _) in enumerate(faults):
        sent: dict[str, Any] = {"raw_body": "["}
        for _, fault in reversed(faults[number:]):
            sent |= fault
        assert failed(to(api, **sent))["reason"] == reason


# --- Statistics ---


def test_the_statistics_of_a_success(stack, publish, worker_node):
    answer = trigger(to(publish(SLEEPS), raw_body="0.25")).as_json()
    statistics = answer["statistics"]
    names = {"queueMilliseconds", "runMilliseconds", "totalMilliseconds", "requestBytes", "responseBytes"}
    assert set(statistics) == names | {"node", "triggerId"}
    assert statistics["node"] == worker_node
    assert (statistics["requestBytes"], statistics["responseBytes"]) == (4, 4)
    assert 250 <= statistics["runMilliseconds"] < statistics["totalMilliseconds"] < 5_000
    assert 0 <= statistics["queueMilliseconds"] < statistics["totalMilliseconds"]


def test_sizes_are_in_bytes(stack, publish):
    statistics = trigger(to(publish(), raw_body="ü")).statistics
    assert (statistics.request_bytes, statistics.response_bytes) == (2, 2)


def test_a_failed_run_has_its_times_too(stack, publish, worker_node):
    statistics = trigger(to(publish(RAISES))).statistics
    assert statistics.node == worker_node
    assert statistics.run_milliseconds is not None
    assert statistics.queue_milliseconds is not None


def test_what_never_ran_has_neither_times_nor_node(stack, publish):
    statistics = trigger(to(publish(), secret="", raw_body="four")).as_json()["statistics"]
    assert (statistics["queueMilliseconds"], statistics["runMilliseconds"], statistics["node"]) == (None, None, None)
    assert (statistics["requestBytes"], statistics["responseBytes"]) == (4, 0)
    assert statistics["totalMilliseconds"] > 0


def test_the_time_in_the_queue_goes_by_redis(lonely, fake_node):
    fake_node.live()
    queue.publish("job", queue.Payload({}), 10)
    time.sleep(0.3)
    claim = queue.claim("job", INSTANCE)
    assert claim is not None
    assert 300 <= claim.milliseconds_waited < 1_000
    assert 9_000 < claim.milliseconds_left <= 9_700


def test_who_waits_in_the_queue_is_told_how_long(stack, publish):
    api = publish(SLEEPS)
    busy = [threading.Thread(target=trigger, args=(to(api, raw_body="2"),)) for _ in range(concurrency_limit())]
    with stack.redis_client() as redis:
        for thread in busy:
            thread.start()
        wait_until(lambda: len(redis.keys("udapi:run:*")) == len(busy), 10, "every place is taken")
    statistics = trigger(to(api, raw_body="0.1")).statistics
    for thread in busy:
        thread.join()
    assert 200 <= (statistics.queue_milliseconds or 0) < 10_000
    assert (statistics.queue_milliseconds or 0) < statistics.total_milliseconds


# --- The log ---


def test_the_two_lines_of_every_trigger_and_no_secret(stack, publish, caplog, worker_node):
    api = publish()
    with caplog.at_level(logging.DEBUG):
        answer = trigger(to(api, request_method="post"))
        trigger(to(api, secret=UNKNOWN))
    lines = [record.getMessage() for record in caplog.records if record.name == TRIGGER_LOGGER]
    started = f'trigger={answer.statistics.trigger_id} method="POST" route="/api/custom/{api.definition.route}"'
    assert lines[0] == f"started {started}"
    assert lines[1].startswith(f"ended {started} token={api.token.pk} node={worker_node} code=200 ms=")
    assert "reason=TokenNotFound" in lines[3]
    assert len(lines) == 4
    assert api.secret not in caplog.text
    assert UNKNOWN not in caplog.text


def test_a_line_of_the_log_stays_short(stack, publish, caplog):
    with caplog.at_level(logging.INFO):
        trigger(to(publish(), request_method="m" * 99, route="r" * 99_999))
    assert all(len(record.getMessage()) < 3_000 for record in caplog.records)


def test_a_message_shows_no_secret_and_no_body(publish):
    shown = repr(TriggerMessage("Post", "route", "the secret", "the body"))
    assert "secret" not in shown
    assert "body" not in shown
