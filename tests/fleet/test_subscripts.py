"""Scripts that run scripts."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from automation.versions import ScriptKind
from fleet import redis_keys
from fleet.pool import concurrency_limit
from testbed.stack import wait_until

CALL = """
from automation.sdk import ApiTriggerOutput, SubscriptFailed

def on_api_trigger(engine, request):
    try:
        job_id = engine.run_subscript({name!r}, {parameters!r}, wait={wait!r})
    except SubscriptFailed as error:
        return ApiTriggerOutput(response_code=409, response_body=str(error))
    return ApiTriggerOutput(response_body=str(job_id))
"""

WRITE = """
import time

def run(engine):
    time.sleep(float(engine.script_param("seconds").value))
    with open(engine.script_param("file").value, "a") as file:
        file.write("done\\n")
    print("written by the subscript")
"""

STAY = """
import os, time

def run(engine):
    while not os.path.exists(engine.script_param("file").value):
        time.sleep(0.02)
"""

ONLY_CALLED = "def on_api_trigger(engine, request):\n    pass"


@pytest.fixture
def target(kept):
    """A file for subscripts to write to."""
    return kept / "written"


def caller(publish, name, parameters=None, wait=True):
    return publish(CALL.format(name=name, parameters=parameters or {}, wait=wait))


def test_a_subscript_that_is_waited_for_has_run_before_the_answer(stack, publish, target):
    publish.script(WRITE, name="write", parameters=["seconds", "file"])
    answer = caller(publish, "write", {"seconds": "0", "file": str(target)}).call(stack.client)
    assert (answer.status_code, answer.text) == (200, "None")
    assert target.read_text() == "done\n"


def test_a_subscript_that_is_not_waited_for_goes_on_after_the_answer(stack, publish, target):
    publish.script(WRITE, name="write", parameters=["seconds", "file"], timeout_seconds=1)
    api = caller(publish, "write", {"seconds": "2", "file": str(target)}, wait=False)
    answer = api.call(stack.client)
    assert answer.status_code == 200
    assert not target.exists()
    # Its time limit is that of long-running work, not the script's own.
    wait_until(target.exists)
    job_id = answer.text
    wait_until(lambda: f"ended trigger={job_id}" in stack.log_text("manager.log"))
    log = stack.log_text("manager.log")
    named = r'script=[0-9a-f-]{36} version=1 name="write"'
    assert re.search(f"trigger={job_id} {named}: written by the subscript", log)


def test_a_subscript_that_is_not_waited_for_has_a_time_limit_of_its_own(own_stack, publish, target):
    stack = own_stack(UDAPI_SUBSCRIPT_TIMEOUT_SECONDS="1", UDAPI_STATE_DIR=str(target.parent))
    publish.script(WRITE, name="write", parameters=["seconds", "file"])
    api = caller(publish, "write", {"seconds": "3", "file": str(target)}, wait=False)
    job_id = api.call(stack.client).text
    wait_until(lambda: f"trigger={job_id} AutomationActionError" in stack.log_text("manager.log"))
    time.sleep(2.5)
    assert not target.exists()


def test_subscripts_that_are_not_waited_for_count_against_the_limit(stack, publish, target):
    publish.script(STAY, name="stay", parameters=["file"])
    api, other = caller(publish, "stay", {"file": str(target)}, wait=False), publish()
    with ThreadPoolExecutor(1) as callers, stack.redis_client() as redis:
        try:
            subscripts = {api.call(stack.client).text for _ in range(concurrency_limit())}
            wait_until(lambda: all(redis.exists(redis_keys.run(each)) for each in subscripts), what="a busy node")
            called = callers.submit(other.call, stack.client)
            time.sleep(0.5)
            assert not called.done()
        finally:
            target.touch()
        assert called.result().status_code == 200


@pytest.mark.parametrize(
    ("source", "parameters", "said"),
    [
        ("def run(engine):\n    raise ValueError('broken')", {}, "failing (version 1): ValueError: broken"),
        ("def run(engine):\n    engine.exit_fail('not today')", {}, "failing (version 1): not today"),
        (ONLY_CALLED, {}, "the script failing (version 1) has no run(engine)"),
        ("value = 1", {}, "the script failing (version 1) has no run(engine)"),
        (WRITE, {"seconds": "0"}, "the script failing (version 1) needs values for: file"),
    ],
)
def test_a_failure_of_a_subscript_reaches_its_caller(stack, publish, source, parameters, said):
    needed = ["seconds", "file"] if source is WRITE else []
    kind = ScriptKind.LIBRARY if source == "value = 1" else ScriptKind.SCRIPT
    publish.script(source, name="failing", parameters=needed, kind=kind)
    answer = caller(publish, "failing", parameters).call(stack.client)
    assert (answer.status_code, answer.text) == (409, said)


def test_a_subscript_that_does_not_exist_fails(stack, publish):
    answer = caller(publish, "nobody").call(stack.client)
    assert (answer.status_code, "nobody" in answer.text) == (409, True)


def test_subscripts_nest_five_deep_and_no_deeper(stack, publish):
    for depth in range(1, 8):
        publish.script(f"def run(engine):\n    print('depth', {depth})\n    engine.run_subscript('deep {depth + 1}', {{}})", name=f"deep {depth}")  # noqa: E501  # fmt: skip
    answer = caller(publish, "deep 1").call(stack.client)
    assert answer.status_code == 409
    assert "5 deep" in answer.text
    log = stack.log_text("manager.log")
    assert re.search(r'script=[0-9a-f-]{36} version=1 name="deep 5": depth 5', log)
    assert 'name="deep 6"' not in log


def test_a_subscript_has_no_more_time_than_its_caller(stack, publish, target):
    publish.script(WRITE, name="write", parameters=["seconds", "file"], timeout_seconds=60)
    source = CALL.format(name="write", parameters={"seconds": "5", "file": str(target)}, wait=True)
    api = publish(source, timeout_seconds=1)
    begun = time.monotonic()
    answer = api.call(stack.client)
    assert time.monotonic() - begun < 5
    assert answer.status_code in {409, 500}
    time.sleep(5)
    assert not target.exists()
