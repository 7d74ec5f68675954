"""`Server-Timing` tells allowed callers how long the parts of a trigger took, where the definition says so."""

import re

from definitions.models import ApiDefinition
from tests.endpoint.catalogue import assert_error

SLOW = """
import time
from automation.sdk import ApiTriggerOutput, ResponseHeaders

def on_api_trigger(engine, request):
    time.sleep(0.05)
    if request.raw_body == "fail":
        raise ValueError
    headers = ResponseHeaders()
    if request.raw_body:
        headers.add("Server-Timing", 'db;dur=3;desc="a, b"')
    return ApiTriggerOutput(response_headers=headers)
"""
HEADER = "Server-Timing"
TEXT = {"Content-Type": "text/plain"}


def telling(publish):
    """An API whose answers have the header."""
    api = publish(SLOW)
    ApiDefinition._base_manager.filter(pk=api.definition.pk).update(server_timing=True)
    return api


def times(header: str) -> dict[str, float]:
    """The parts of the product's own times."""
    found = re.findall(r"(\w+);dur=([\d.]+)", header)
    assert header == ", ".join(f"{name};dur={value}" for name, value in found)
    return {name: float(value) for name, value in found}


def test_an_answer_and_an_error_of_the_script_say_how_long_they_took(stack, publish):
    api = publish(SLOW)
    assert HEADER not in api.call(stack.client).headers
    ApiDefinition._base_manager.filter(pk=api.definition.pk).update(server_timing=True)
    failed = api.call(stack.client, content="fail", headers=TEXT)
    assert_error(failed, 12)
    succeeded = api.call(stack.client)
    assert succeeded.status_code == 200
    for answer in (succeeded, failed):
        took = times(answer.headers[HEADER])
        assert list(took) == ["admission", "queue", "run", "total"]
        assert took["run"] >= 50
        assert took["total"] >= took["admission"] + took["run"]


def test_the_script_s_own_times_stay(stack, publish):
    api = telling(publish)
    own, _, ours = api.call(stack.client, content="x", headers=TEXT).headers[HEADER].rpartition(", admission;")
    assert own == 'db;dur=3;desc="a, b"'
    assert "run" in times(f"admission;{ours}")


def test_only_allowed_callers_learn_times(stack, publish):
    api = telling(publish)
    stranger = {"Authorization": f"Bearer {publish.token()[1]}"}
    for refused, code in (
        (api.call(stack.client, headers=stranger), 1010),
        (api.call(stack.client, "OPTIONS"), 3),
        (api.call(stack.client, path="/api/custom/nobody/was/here"), 5),
    ):
        assert_error(refused, code)
        assert HEADER not in refused.headers
    unread = api.call(stack.client, content="x", headers={"Content-Type": "image/png"})
    assert_error(unread, 1003)
    assert list(times(unread.headers[HEADER])) == ["admission", "total"]
