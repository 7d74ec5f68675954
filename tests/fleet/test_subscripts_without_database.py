"""When the database fails while a script runs, its subscript fails, and the script decides what to do."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from testbed.stack import wait_until
from tests.endpoint.broken_storage import without_scripts

WAITS = """
import os, time
from automation.sdk import ApiTriggerOutput, SubscriptFailed

def on_api_trigger(engine, request):
    directory = request.raw_body
    open(directory + "/began", "w").close()
    while not os.path.exists(directory + "/severed"):
        time.sleep(0.02)
    try:
        engine.run_subscript("below", {}, wait=%s)
    except SubscriptFailed as error:
        return ApiTriggerOutput(response_code=409, response_body=str(error))
"""


@pytest.mark.parametrize("wait", [True, False])
def test_failing_database_fails_the_subscript_but_not_the_script(stack, publish, kept, wait):
    publish.script("def run(engine):\n    pass", name="below")
    api = publish(WAITS % wait)
    request = {"content": str(kept), "headers": {"Content-Type": "text/plain"}}
    with ThreadPoolExecutor(1) as callers:
        called = callers.submit(api.call, stack.client, **request)
        wait_until((kept / "began").exists, what="the script")
        with without_scripts():
            (kept / "severed").touch()
            answer = called.result()
    assert (answer.status_code, answer.text) == (409, "the database is not reachable")
    assert 'subscript="below" cannot be read' in stack.log_text("manager.log")
    again = api.call(stack.client, **request)
    assert again.json()["errors"][0]["errorCode"] == 13, "the subscript ran, and the script returned nothing"
