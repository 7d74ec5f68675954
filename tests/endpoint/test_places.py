"""Waiting callers never take the last places of the web server."""

import time
from concurrent.futures import ThreadPoolExecutor

from tests.stack import wait_until

SLEEP = """
import time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    time.sleep(3)
    return ApiTriggerOutput(response_body="slept")
"""


def test_one_more_caller_than_there_are_places_is_refused_and_the_console_stays(stack, publish):
    api, small = publish(SLEEP), {"UDAPI_WEB_WORKERS": "1", "UDAPI_WEB_THREADS": "8"}
    with stack.another_web(**small) as web, ThreadPoolExecutor(4) as callers:
        assert web.client.get("/console/login/").status_code == 200
        waiting = [callers.submit(api.call, web.client) for _ in range(4)]
        time.sleep(1)
        begun = time.monotonic()
        refused = api.call(web.client)
        console = web.client.get("/console/login/")
        assert time.monotonic() - begun < 1.5
        assert [future.result().text for future in waiting] == ["slept"] * 4
        wait_until(lambda: api.call(web.client).status_code == 200, 5, "a place that is free again")
    assert (refused.status_code, refused.json()["errors"][0]["errorCode"]) == (503, 7)
    assert int(refused.headers["Retry-After"]) > 0
    assert console.status_code == 200


def test_hundreds_of_callers_can_wait(stack, publish):
    """Each takes a thread, a connection to Redis and one of its own: the descriptors must suffice."""
    api = publish()
    slow = publish(SLEEP)
    with stack.another_web(UDAPI_WEB_WORKERS="1", UDAPI_WEB_THREADS="400") as web, ThreadPoolExecutor(330) as callers:
        sleepers = [callers.submit(slow.call, web.client) for _ in range(4)]
        others = [callers.submit(api.call, web.client) for _ in range(300)]
        answers = [future.result() for future in sleepers + others]
    assert {answer.status_code for answer in answers} == {200}
