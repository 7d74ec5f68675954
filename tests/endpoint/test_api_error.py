"""`raise ApiError` over the wire: an answer of the script, and nothing of a traceback."""

import pytest

from automation.versions import ScriptKind
from tests.endpoint.catalogue import assert_error

RAISES = """
from automation.sdk import *
from scripts.refusals import refuse

def on_api_trigger(engine, request):
    query = request.query_parameters
    status = int(query.get("status", "409"))
    if "subscript" in query:
        try:
            engine.run_subscript("child of an error")
        except SubscriptFailed as error:
            return ApiTriggerOutput.json([error.status, str(error)])
    if "library" in query:
        refuse(status)
    secret = "do not tell"
    try:
        1 / 0
    except ZeroDivisionError as error:
        raise ApiError(status, "In use", "Encoder 7 é") from error

def run(engine):
    raise ApiError(418, "From run")
"""


REFUSES = """
from automation.sdk import ApiError

def refuse(status):
    raise ApiError(status, "Refused")
"""
CHILD = """
from automation.sdk import ApiError

def run(engine):
    raise ApiError(404, "No encoder", "7")
"""


@pytest.fixture
def raising(publish):
    publish.script(REFUSES, name="refusals", kind=ScriptKind.LIBRARY)
    publish.script(CHILD, name="child of an error")
    return publish(RAISES)


def test_api_error_is_the_scripts_own_answer_in_the_form_of_errors(stack, raising):
    answer = raising.call(stack.client)
    assert (answer.status_code, answer.json()) == (409, {"errors": [{"title": "In use", "detail": "Encoder 7 é"}]})
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "Traceback" not in answer.text
    assert "do not tell" not in answer.text
    library = raising.call(stack.client, params={"library": ""})
    assert (library.status_code, library.json()) == (409, {"errors": [{"title": "Refused", "detail": ""}]})


def test_status_outside_400_to_599_is_error_1002(stack, raising):
    for status in (200, 302, 399, 600, 99_999, -1):
        assert_error(raising.call(stack.client, params={"status": status}), 1002)
    for status in (400, 599):
        assert raising.call(stack.client, params={"status": status}).status_code == status


@pytest.mark.usefixtures("raising")
def test_api_error_of_run_is_an_answer_as_well(stack, publish):
    answer = publish(RAISES, action_type="AutomationScriptNoEntryPoint").call(stack.client)
    assert (answer.status_code, answer.json()["errors"][0]["title"]) == (418, "From run")


def test_caller_of_a_subscript_gets_its_status(stack, raising):
    status, message = raising.call(stack.client, params={"subscript": ""}).json()
    assert status == 404
    assert message.endswith("No encoder: 7")
