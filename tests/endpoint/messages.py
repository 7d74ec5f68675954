"""Trigger messages for tests, their answers, and scripts to trigger."""

from dataclasses import replace
from typing import Any

from definitions.models import ActionType
from endpoint.trigger_message import TriggerMessage, trigger
from testbed.publisher import ECHO

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
    """A message that triggers `api`, with the test's changes."""
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
