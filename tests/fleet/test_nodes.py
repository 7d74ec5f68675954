"""Worker nodes: their numbers, their heartbeat, and what callers get when one dies."""

import signal
import threading
import time

import httpx
import pytest

from broker.client import LEAST_PATIENCE_SECONDS
from fleet import redis_keys
from fleet.pool import concurrency_limit
from launcher.programs import BACKGROUND_GRACE_SECONDS
from testbed.stack import wait_until
from tests.fleet.conftest import Held

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
    # The first node of a data directory has the machine's number, whatever ran before this test.
    assert faulting_node(api.call(stack.client)) == int((stack.data.nodes_dir / "node-1").read_text())


def test_a_configured_number_is_the_nodes_own(breakable_stack, publish):
    api = publish(FAIL)
    stack = breakable_stack
    with stack.another_worker(UDAPI_NODE_ID="4711"):
        stack.stop_worker()
        assert faulting_node(api.call(stack.client)) == 4711


@pytest.fixture
def lost_and_found(breakable_stack, publish, tmp_path):
    """A stack whose node may lose its connections, and an API that holds its runs."""
    directory = breakable_stack.state_dir / tmp_path.name
    directory.mkdir(mode=0o700)
    return Held(breakable_stack, publish, directory)


def test_a_busy_node_that_has_lost_its_connections_takes_no_more_than_it_can_run(lost_and_found):
    stack = lost_and_found.stack
    before = stack.log_text("manager.log").count("Connected to")
    with lost_and_found.busy(concurrency_limit() - 1) as callers, stack.redis_client() as redis:
        for kind in ("normal", "pubsub"):
            redis.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        wait_until(lambda: stack.log_text("manager.log").count("Connected to") > before, what="a node that is back")
        waiting = [callers.submit(lost_and_found.call) for _ in range(concurrency_limit())]
        wait_until(lambda: len(redis.keys(redis_keys.run("*"))) == concurrency_limit(), what="one more that runs")
        # Two more rounds of the worker's loop.
        time.sleep(2)
        assert redis.llen(redis_keys.queue()) == concurrency_limit() - 1
    assert {each.result().status_code for each in waiting} == {200}


def test_a_node_that_is_shut_down_by_remote_control_finishes_what_it_runs(lost_and_found):
    stack = lost_and_found.stack
    with lost_and_found.busy() as callers:
        stack.celery("control", "shutdown")
        wait_until(lambda: stack.nodes() == 0, what="a node that has left the fleet")
        answer = callers.submit(lost_and_found.call).result()
        assert (answer.status_code, answer.json()["errors"][0]["errorCode"]) == (503, 7)
        assert stack.worker.poll() is None
    assert stack.worker.wait(20) == 0


def test_without_a_node_triggers_are_refused_at_once(breakable_stack, publish):
    api = publish()
    stack = breakable_stack
    assert api.call(stack.client).status_code == 200
    stack.worker.terminate()
    stack.worker.wait(20)
    begun = time.monotonic()
    answer = api.call(stack.client)
    assert time.monotonic() - begun < 10, "at once, and not when its time is over"
    assert (answer.status_code, answer.json()["errors"][0]["errorCode"]) == (503, 7)


def test_callers_of_a_killed_node_are_answered_when_its_heartbeat_has_ended(breakable_stack, publish):
    api = publish(SLEEP)
    stack = breakable_stack
    answers, before = [], stack.log_text("manager.log").count("kind=trigger")
    caller = threading.Thread(target=lambda: answers.append(api.call(stack.client)))
    caller.start()
    wait_until(lambda: stack.log_text("manager.log").count("kind=trigger") > before)
    stack.worker.kill()
    caller.join(30)
    assert answers, "the caller still waits"
    error = answers[0].json()["errors"][0]
    assert (error["errorCode"], error["detail"]) == (
        1001,
        "The request was not answered in time, it may have been executed.",
    )


def test_node_without_broker_ends_in_order(breakable_stack):
    stack = breakable_stack
    before = stack.log_text("manager.log").count("next attempt in")
    stack.stop_redis()
    wait_until(lambda: stack.log_text("manager.log").count("next attempt in") > before, what="a look for the broker")
    stack.worker.terminate()
    assert stack.worker.wait(30) == 0


def test_both_programs_of_a_node_whose_broker_is_frozen_end_in_order(breakable_stack):
    stack = breakable_stack
    programs = [stack.worker, stack.start_background()]
    wait_until(lambda: "background" in stack.celery("inspect", "ping").stdout, what="a background program")
    stack.redis.send_signal(signal.SIGSTOP)
    try:
        # Both programs have noticed it: each sends an event every two seconds.
        time.sleep(4)
        for program in programs:
            program.terminate()
        assert [program.wait(BACKGROUND_GRACE_SECONDS) for program in programs] == [0, 0]
    finally:
        stack.redis.send_signal(signal.SIGCONT)


def test_a_restarted_broker_is_found_again(breakable_stack, publish):
    api = publish()
    stack = breakable_stack
    assert api.call(stack.client).status_code == 200
    stack.redis.terminate()
    stack.redis.wait(10)
    begun = time.monotonic()
    answer = api.call(stack.client)
    assert time.monotonic() - begun < LEAST_PATIENCE_SECONDS, "a broker that is silent is waited for"
    assert (answer.status_code, answer.json()["errors"][0]["errorCode"]) == (503, 1006)
    stack.redis = stack.start_redis()
    wait_until(lambda: api.call(stack.client).status_code == 200, what="a trigger after the restart")
