"""A trigger runs once, and a node runs no more triggers at once than its limit."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from fleet import redis_keys
from fleet.pool import concurrency_limit
from testbed.stack import wait_until

MARK = """
import os
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    file = os.open({file!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, request.context.trigger_id.encode() + b"\\n")
    return ApiTriggerOutput(response_body=request.context.trigger_id)
"""

STAY = """
import json, os, time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    begun = time.time()
    time.sleep(float(request.query_parameters.get("seconds")))
    line = json.dumps([request.raw_body, begun, time.time()]) + "\\n"
    os.write(os.open({file!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT), line.encode())
    return ApiTriggerOutput(response_body=request.raw_body)
"""

TEXT = {"Content-Type": "text/plain"}


def admitted(redis) -> int:
    """How many triggers wait or run."""
    return sum(len(redis.keys(key)) for key in (redis_keys.ticket("*"), redis_keys.run("*")))


@pytest.fixture
def marks(kept):
    """A file that scripts write to, and its content."""

    class Marks:
        file = str(kept / "marks")

        def lines(self) -> list[str]:
            try:
                with open(self.file) as content:
                    return content.read().splitlines()
            except FileNotFoundError:
                return []

        def runs(self) -> list[tuple[str, float, float]]:
            return sorted((tuple(json.loads(line)) for line in self.lines()), key=lambda run: run[1])

    return Marks()


def test_a_thousand_triggers_of_eight_clients_run_once_each(stack, publish, marks):
    api = publish(MARK.format(file=marks.file))

    def client(_: int) -> list[str]:
        with httpx.Client(base_url=stack.url, timeout=100) as http:
            answers = [api.call(http) for _ in range(125)]
        assert {answer.status_code for answer in answers} == {200}
        return [answer.text for answer in answers]

    with ThreadPoolExecutor(8) as clients:
        answered = [trigger_id for ids in clients.map(client, range(8)) for trigger_id in ids]
    assert len(answered) == len(set(answered)) == 1_000
    assert sorted(marks.lines()) == sorted(answered)


def test_a_node_runs_its_limit_at_once_and_the_rest_in_order_of_arrival(stack, publish, marks):
    api = publish(STAY.format(file=marks.file))
    count = concurrency_limit() + 3

    def call(number: int) -> None:
        with httpx.Client(base_url=stack.url, timeout=100) as http:
            answer = api.call(http, content=str(number), headers=TEXT, params={"seconds": str(0.5 * count + 1.5)})
            assert answer.text == str(number)

    callers = [threading.Thread(target=call, args=(number,)) for number in range(count)]
    with stack.redis_client() as redis:
        for number, caller in enumerate(callers):
            caller.start()
            time.sleep(0.5)
            wait_until(lambda number=number: len(marks.lines()) + admitted(redis) > number, what="the trigger")
    for caller in callers:
        caller.join()
    runs = marks.runs()
    assert [name for name, _, _ in runs] == [str(number) for number in range(count)]
    at_once = [sum(begun <= start < end for _, begun, end in runs) for _, start, _ in runs]
    assert max(at_once) == concurrency_limit()


def test_a_trigger_whose_caller_timed_out_in_the_queue_never_runs(stack, publish, marks):
    api = publish(STAY.format(file=marks.file))

    def occupy(number: int) -> None:
        api.call(stack.client, content=f"busy {number}", headers=TEXT, params={"seconds": "4"})

    with (
        stack.another_web(UDAPI_TRIGGER_TIMEOUT_SECONDS="1") as web,
        ThreadPoolExecutor(2 * concurrency_limit()) as callers,
    ):
        busy = [callers.submit(occupy, number) for number in range(concurrency_limit())]
        with stack.redis_client() as redis:
            wait_until(lambda: len(redis.keys(redis_keys.run("*"))) == concurrency_limit(), what="a busy node")
        # No more than there are slots: further ones would be refused.
        late = [
            callers.submit(api.call, web.client, content=f"late {n}", headers=TEXT, params={"seconds": "0"})
            for n in range(concurrency_limit())
        ]
        answers = [future.result() for future in late]
        for future in busy:
            future.result()
    errors = [answer.json()["errors"][0] for answer in answers]
    assert {error["errorCode"] for error in errors} == {1001}
    assert {error["detail"] for error in errors} == {
        "The request was not started in time, it is safe to send it again."
    }
    # A later trigger has passed the same queue, so everything before it is gone.
    assert api.call(stack.client, content="last", headers=TEXT, params={"seconds": "0"}).text == "last"
    time.sleep(1)
    assert not [name for name, _, _ in marks.runs() if name.startswith("late")]
    assert len(marks.runs()) == concurrency_limit() + 1


def test_a_trigger_that_outlasts_its_caller_is_ended_and_may_have_run(stack, publish, marks):
    api = publish(STAY.format(file=marks.file))
    with stack.another_web(UDAPI_TRIGGER_TIMEOUT_SECONDS="1") as web:
        assert web.client.get("/console/login/").status_code == 200
        answer = api.call(web.client, content="long", headers=TEXT, params={"seconds": "600"})
    error = answer.json()["errors"][0]
    assert (error["errorCode"], error["detail"]) == (
        1001,
        "The request was not answered in time, it may have been executed.",
    )
    with stack.redis_client() as redis:
        wait_until(lambda: not redis.keys(redis_keys.run("*")), what="the end of the script")
    assert marks.lines() == []


def test_a_script_is_ended_at_its_own_time_limit(stack, publish, marks):
    api = publish(STAY.format(file=marks.file), timeout_seconds=1)
    begun = time.monotonic()
    answer = api.call(stack.client, content="long", headers=TEXT, params={"seconds": "30"})
    assert time.monotonic() - begun < 15
    assert answer.json()["errors"][0]["errorCode"] == 12
