"""The trigger message: the input and output of a script without HTTP."""

import base64
import json

import pytest

from endpoint.trigger_message import trigger
from tests.endpoint.catalogue import LARGEST_BODY
from tests.endpoint.messages import (
    ALL,
    NO_ENTRY_POINT,
    RUNS,
    result,
    returns,
    to,
)


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
def test_every_method_is_accepted_in_any_case(stack, publish, method):
    got = result(to(publish(ALL), request_method=method))
    assert json.loads(got["responseBody"])["method"] == method.capitalize()


def test_a_body_of_bytes_is_sent_in_base64(stack, publish):
    got = result(to(publish(returns("ApiTriggerOutput(response_body_bytes=b'\\xff\\0')"))))
    assert (got["responseBody"], base64.b64decode(got["responseBodyBytes"])) == ("", b"\xff\0")


def test_a_script_without_entry_point_is_run(stack, publish):
    got = result(to(publish(RUNS, action_type=NO_ENTRY_POINT, parameters=["a"]), raw_body='{"a": 1}'))
    assert got == {"responseCode": 200, "responseBody": "", "responseBodyBytes": None, "responseHeaders": {}}


def test_an_answer_of_a_script_is_no_error_whatever_its_code(stack, publish):
    assert result(to(publish(returns("ApiTriggerOutput(response_code=500)"))))["responseCode"] == 500


def test_there_is_no_rate_limit(stack, publish):
    api = publish(token=publish.token(rate_limit=1, rate_window_seconds=50))
    for _ in range(3):
        assert result(to(api))["responseCode"] == 200
    assert api.call(stack.client, content="").status_code == 200, "and no message counts"


def test_the_largest_body_is_accepted(stack, publish):
    body = "ä" * (LARGEST_BODY // 2)
    assert result(to(publish(), raw_body=body))["responseBody"] == body
