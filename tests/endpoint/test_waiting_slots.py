"""Waiting callers never take the last threads of the web server, and each takes one slot."""

import time
from concurrent.futures import ThreadPoolExecutor

from fleet import redis_keys
from testbed.stack import wait_until
from tests.fleet.conftest import Held

SLEEP = """
import time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    time.sleep(3)
    return ApiTriggerOutput(response_body="slept")
"""


def test_one_more_caller_than_there_are_waiting_slots_is_refused_and_the_console_stays(stack, publish, kept):
    held, small = Held(stack, publish, kept), {"UDAPI_WEB_WORKERS": "1", "UDAPI_WEB_THREADS": "8"}
    with stack.another_web(**small) as web, ThreadPoolExecutor(4) as callers, stack.redis_client() as redis:
        waiting = [callers.submit(held.api.call, web.client) for _ in range(4)]
        try:
            wait_until(lambda: len(redis.keys(redis_keys.run("*"))) == 4, what="four that wait")
            refused = held.api.call(web.client)
            console = web.client.get("/console/login/")
            health = [web.client.get(address).status_code for address in ("/healthz", "/readyz")]
            assert not held.runs(), "both are answered before them"
        finally:
            held.go.touch()
        assert [future.result().status_code for future in waiting] == [200] * 4
        wait_until(lambda: held.api.call(web.client).status_code == 200, what="a free slot")
    assert (refused.status_code, refused.json()["errors"][0]["errorCode"]) == (503, 7)
    assert int(refused.headers["Retry-After"]) > 0
    assert (console.status_code, health) == (200, [200, 200])


def test_a_large_upload_that_comes_in_slowly_takes_one_slot_until_it_is_answered(stack, publish):
    echo, api, megabyte = publish(), publish(SLEEP), b"x" * 1024 * 1024

    def upload():
        for number in range(30):
            # Longer than a thread may wait for a client that holds no slot.
            time.sleep(0.05)
            yield megabyte if number else megabyte[:-1]

    headers = {"Content-Type": "text/plain"}
    with (
        stack.another_web(UDAPI_WEB_WORKERS="1", UDAPI_WEB_THREADS="8") as web,
        ThreadPoolExecutor(4) as callers,
    ):
        uploading = callers.submit(echo.call, web.client, content=upload(), headers=headers)
        time.sleep(0.7)
        waiting = [callers.submit(api.call, web.client) for _ in range(3)]
        answers = [uploading.result(), *(future.result() for future in waiting)]
    assert [answer.status_code for answer in answers] == [200] * 4


def test_hundreds_of_callers_can_wait(stack, publish):
    """Each takes a thread, a connection to Redis and its own connection, so that many descriptors are needed."""
    api = publish()
    slow = publish(SLEEP)
    with stack.another_web(UDAPI_WEB_WORKERS="1", UDAPI_WEB_THREADS="400") as web, ThreadPoolExecutor(330) as callers:
        sleepers = [callers.submit(slow.call, web.client) for _ in range(4)]
        others = [callers.submit(api.call, web.client) for _ in range(300)]
        answers = [future.result() for future in sleepers + others]
    assert {answer.status_code for answer in answers} == {200}
