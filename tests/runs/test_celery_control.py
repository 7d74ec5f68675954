"""`celery control` ends runs: a waiting one never starts, a running one is killed. Each leaves its run."""

from concurrent.futures import ThreadPoolExecutor

import psutil

from endpoint.errors import NEVER_STARTED
from fleet import redis_keys
from fleet.records import RunStatus
from testbed.stack import wait_until
from tests.endpoint.catalogue import assert_error
from tests.fleet.conftest import Held, ask_node

STUBBORN = """
import signal, subprocess, time

def on_api_trigger(engine, request):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sleep", "{seconds}"], start_new_session=True)
    subprocess.run(["sleep", "{seconds}"])
"""
SECONDS = "98765.25"
"""Nothing else on the machine sleeps for so long."""


def sleepers() -> list[psutil.Process]:
    return [each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == ["sleep", SECONDS]]


def only_id(redis, pattern: str) -> str:
    """The id in the only key of this pattern, once there is one."""
    wait_until(lambda: redis.keys(pattern), what=f"a key like {pattern}")
    (key,) = redis.keys(pattern)
    return str(key.decode().rpartition(":")[2])


def test_terminated_script_is_killed_with_its_daemon_and_leaves_its_run(stack, publish, stored):
    api = publish(STUBBORN.format(seconds=SECONDS))
    with ThreadPoolExecutor(1) as callers, stack.redis_client() as redis:
        call = callers.submit(api.call, stack.client)
        run_id = only_id(redis, redis_keys.run("*"))
        wait_until(lambda: call.done() or len(sleepers()) == 2, what="the script's processes")
        assert not call.done(), call.result().text
        told = ask_node(stack, "control", "terminate", "KILL", run_id)
        assert told.returncode == 0, told.stdout + told.stderr
        answer = call.result(timeout=60)
    assert_error(answer, 2007)
    wait_until(lambda: not sleepers(), what="the end of the script's processes")
    run = stored(run_id, lambda run: run.is_over)
    assert (run.status, run.error_code, run.reason) == (RunStatus.CANCELLED, 2007, "RunCancelled")
    assert api.call(stack.client, headers={"Authorization": ""}).status_code == 401


def test_revoked_trigger_never_starts_and_leaves_its_run(stack, publish, kept, stored):
    held = Held(stack, publish, kept)
    with held.busy() as callers, stack.redis_client() as redis:
        call = callers.submit(held.call)
        run_id = only_id(redis, redis_keys.ticket("*"))
        told = ask_node(stack, "control", "revoke", run_id)
        assert told.returncode == 0, told.stdout + told.stderr
        answer = call.result(timeout=60)
    assert_error(answer, 1001, detail=NEVER_STARTED)
    run = stored(run_id, lambda run: run.is_over)
    assert (run.status, run.error_code, run.run_milliseconds) == (RunStatus.NEVER_STARTED, 1001, None)
