"""Worker nodes: their numbers, their heartbeat, and what callers hear when one dies."""

import threading
import time
from typing import Any

import httpx

from automation.limits import concurrency_limit
from automation.pool import TaskPool
from tests.stack import wait_until

FAIL = """
def on_api_trigger(engine, request):
    raise RuntimeError("no")
"""

SLEEP = """
import time

def on_api_trigger(engine, request):
    time.sleep(60)
"""


def faulting_node(answer: httpx.Response):
    return answer.json()["errors"][0]["faultingNode"]


def test_the_limit_cannot_be_configured():
    pool: Any = TaskPool(100)
    assert pool.limit == pool.executor._max_workers == concurrency_limit()


def test_a_node_logs_its_limit_when_it_starts(stack):
    assert f"runs at most {concurrency_limit()} triggers at once" in stack.log_text("manager.log")


def test_a_node_keeps_its_number_and_a_second_one_gets_another(breakable_stack, publish):
    api = publish(FAIL)
    stack = breakable_stack
    first = faulting_node(api.call(stack.client))
    with stack.another_worker() as second:
        stack.worker.terminate()
        stack.worker.wait(20)
        other = faulting_node(api.call(stack.client))
        assert other != first
        assert second.poll() is None
    stack.worker = stack.start_worker()
    wait_until(lambda: stack.nodes() == 1)
    assert faulting_node(api.call(stack.client)) == first


def test_a_configured_number_is_the_nodes_own(breakable_stack, publish):
    api = publish(FAIL)
    stack = breakable_stack
    with stack.another_worker(UDAPI_NODE_ID="4711"):
        stack.stop_worker()
        assert faulting_node(api.call(stack.client)) == 4711


def test_without_a_node_triggers_are_refused_at_once(breakable_stack, publish):
    api = publish()
    stack = breakable_stack
    assert api.call(stack.client).status_code == 200
    stack.worker.terminate()
    stack.worker.wait(20)
    begun = time.monotonic()
    answer = api.call(stack.client)
    assert time.monotonic() - begun < 1
    assert (answer.status_code, answer.json()["errors"][0]["errorCode"]) == (503, 7)


def test_callers_of_a_killed_node_are_answered_when_its_heartbeat_has_ended(breakable_stack, publish):
    api = publish(SLEEP)
    stack = breakable_stack
    answers, before = [], stack.log_text("manager.log").count("kind=trigger")
    caller = threading.Thread(target=lambda: answers.append(api.call(stack.client)))
    caller.start()
    wait_until(lambda: stack.log_text("manager.log").count("kind=trigger") > before)
    stack.worker.kill()
    caller.join(6 + 5)
    assert answers, "the caller still waits"
    error = answers[0].json()["errors"][0]
    assert (error["errorCode"], error["detail"]) == (
        1001,
        "The request was not answered in time, it may have been executed.",
    )


def test_a_restarted_broker_is_found_again(breakable_stack, publish):
    api = publish()
    stack = breakable_stack
    assert api.call(stack.client).status_code == 200
    stack.redis.terminate()
    stack.redis.wait(10)
    begun = time.monotonic()
    answer = api.call(stack.client)
    assert time.monotonic() - begun < 1
    assert (answer.status_code, answer.json()["errors"][0]["errorCode"]) == (503, 1006)
    stack.redis = stack.start_redis()
    wait_until(lambda: api.call(stack.client).status_code == 200, 15, "a trigger after the restart")
