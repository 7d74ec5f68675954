"""Every answer below /api/custom names its trigger."""

import uuid

import pytest

from tests.endpoint.catalogue import assert_error, assert_trigger_id
from tests.endpoint.messages import sets
from tests.endpoint.wire import exchange, head

NAMES_ITSELF = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=request.context.trigger_id)
"""
REFUSED_BEFORE_THE_VIEW = {
    "another host": head("GET", "/api/custom/any", ("Host", "evil.example")),
    "another host, to no API": head("GET", "/api/custom", ("Host", "evil.example")),
    "another host, with repeated slashes": head("OPTIONS", "//api//custom/any", ("Host", "evil.example")),
}


@pytest.mark.parametrize("request_head", REFUSED_BEFORE_THE_VIEW.values(), ids=REFUSED_BEFORE_THE_VIEW)
def test_refusal_before_the_view_names_its_trigger(stack, request_head):
    answer = exchange(stack.url, request_head)
    assert (answer.status_code, answer.content) == (400, b"")
    assert_trigger_id(answer.headers)


@pytest.mark.parametrize("path", ["/", "/console/login/", "/api/management/", "/api/customs"])
def test_other_answers_name_none(stack, path):
    assert "X-Trigger-Id" not in stack.client.get(path).headers


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE"])
def test_answer_to_a_method_that_triggers_nothing_names_its_trigger(stack, method):
    assert_trigger_id(stack.client.request(method, "/api/custom/any").headers)


def test_script_log_and_answer_name_the_same_trigger(stack, publish):
    api = publish(NAMES_ITSELF)
    answer = api.call(stack.client)
    assert answer.headers["X-Trigger-Id"] == answer.text
    assert f"trigger={answer.text}" in stack.log_text("endpoint.log")


def test_two_answers_name_two_triggers_in_their_order(stack, publish):
    api = publish()
    ids = [uuid.UUID(api.call(stack.client).headers["X-Trigger-Id"]) for _ in range(5)]
    assert len(set(ids)) == 5 and [each.int >> 80 for each in ids] == sorted(each.int >> 80 for each in ids)


@pytest.mark.parametrize("name", ["X-Trigger-Id", "x-trigger-id", "X-TRIGGER-ID"])
def test_script_that_sets_the_id_is_error_1012(stack, publish, name):
    assert_error(publish(sets(name)).call(stack.client), 1012)
