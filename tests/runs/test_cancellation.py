"""Cancelling runs, wherever they are."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from django.contrib.auth.models import User

from endpoint.errors import TITLE
from fleet import current_runs, overview
from fleet.pool import concurrency_limit
from fleet.records import RunStatus
from foundation.ids import new_run_id, time_of
from keys.changes import create_key
from runs import user_runs
from runs.cancellation import NoSuchRunError, RunOverError, cancel
from runs.user_requests import UserRequest
from runs.user_runs import run_definition
from testbed.people import remove_users
from testbed.stack import wait_until
from tests.fleet.conftest import Held
from tests.runs.conftest import shown_running

# It ignores signals, and leaves a daemon that belongs to another session.
STUBBORN = """
import os, signal, time

def on_api_trigger(engine, request):
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(each, signal.SIG_IGN)
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(writer, str(os.getpid()).encode())
            time.sleep(600)
        os._exit(0)
    daemon = os.read(reader, 20).decode()
    with open({file!r}, "w") as file:
        file.write(f"{{os.getpid()}} {{daemon}}\\n{{request.context.trigger_id}}\\n")
    time.sleep(600)
"""

CALLS = """
from automation.sdk import ApiTriggerOutput, SubscriptFailed

def on_api_trigger(engine, request):
    try:
        engine.run_subscript({name!r}, {{}}, wait={wait})
    except SubscriptFailed as error:
        return ApiTriggerOutput(response_body=str(error))
    return ApiTriggerOutput(response_body="not waited")
"""

SLEEPER = """
import time
def run(engine):
    print("asleep")
    time.sleep(600)
"""

BRIEF = """
import time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    time.sleep(0.05)
    return ApiTriggerOutput()
"""

SLEEPS = "import time\ndef on_api_trigger(engine, request): time.sleep(600)"

CANCELLED = {"title": TITLE, "detail": "The run was cancelled.", "errorCode": 2007}


@pytest.fixture
def held(stack, publish, kept):
    return Held(stack, publish, kept)


@pytest.fixture
def callers():
    with ThreadPoolExecutor(4) as pool:
        yield pool


def error_of(answer):
    (error,) = answer.json()["errors"]
    assert isinstance(error.pop("faultingNode"), int)
    return error


def test_running_script_is_killed_with_all_its_processes(stack, publish, kept, stored, callers):
    file = kept / "pids"
    api = publish(STUBBORN.format(file=str(file)))
    called = callers.submit(api.call, stack.client)
    wait_until(lambda: file.exists() and file.read_text().count("\n") == 2, what="a running script")
    pids, run_id = file.read_text().splitlines()
    cancel(uuid.UUID(run_id), "jane")
    # It takes less than a second, unless the machine is busy.
    wait_until(lambda: not any(psutil.pid_exists(int(pid)) for pid in pids.split()), 10, "the end of both processes")
    assert error_of(called.result()) == CANCELLED
    run = stored(run_id)
    assert (run.status, run.error_code) == (RunStatus.CANCELLED, 2007)
    assert "The run was cancelled by jane." in run.message
    with pytest.raises(RunOverError):
        cancel(run.pk, "jane")


def test_queued_run_never_starts(stack, held, stored):
    with held.busy() as callers:
        called = callers.submit(held.call)
        wait_until(lambda: current_runs.look().waiting, what="a run that waits")
        (waiting,) = current_runs.look().waiting
        assert overview.look().oldest == time_of(uuid.UUID(waiting.id))
        cancel(uuid.UUID(waiting.id), "jane")
        assert error_of(called.result(timeout=60)) == CANCELLED
    assert waiting.id not in held.runs()
    run = stored(waiting.id)
    assert (run.status, run.message) == (RunStatus.CANCELLED, "The run was cancelled by jane.")


def test_waited_subscript_is_cancelled_alone(stack, publish, stored, callers):
    script = publish.script(SLEEPER)
    api = publish(CALLS.format(name=script.name, wait=True))
    called = callers.submit(api.call, stack.client)
    subscript = uuid.UUID(shown_running(script_id=script.pk).id)
    cancel(subscript, "jane")
    answer = called.result(timeout=60)
    assert answer.text.endswith("The run was cancelled by jane.")
    run = stored(subscript)
    assert (run.status, run.message) == (RunStatus.CANCELLED, "The run was cancelled by jane.")
    assert stored(answer.headers["X-Trigger-Id"]).status == RunStatus.SUCCEEDED


def test_caller_of_a_waited_subscript_is_cancelled_with_it(stack, publish, stored, callers):
    script = publish.script(SLEEPER)
    api = publish(CALLS.format(name=script.name, wait=True))
    called = callers.submit(api.call, stack.client)
    subscript = shown_running(script_id=script.pk)
    cancel(uuid.UUID(subscript.parent_id), "jane")
    assert error_of(called.result(timeout=60)) == CANCELLED
    assert stored(subscript.id).is_over


def test_subscript_of_its_own_is_cancelled(stack, publish, stored):
    script = publish.script(SLEEPER)
    assert publish(CALLS.format(name=script.name, wait=False)).call(stack.client).text == "not waited"
    subscript = uuid.UUID(shown_running(script_id=script.pk).id)
    cancel(subscript, "jane")
    run = stored(subscript, lambda run: run.is_over)
    assert (run.status, run.kind) == (RunStatus.CANCELLED, "Subscript")


def test_run_is_cancelled_at_any_moment(stack, publish, callers, monkeypatch):
    """A cancelled run is never answered otherwise, and one that ends otherwise was not cancelled."""
    api = publish(BRIEF)
    ends, begun = set(), time.monotonic()
    run_definition(api.definition, UserRequest("GET"), user="a", client_address="")
    longest = 2 * (time.monotonic() - begun)
    for number in range(40):
        run_id = new_run_id()
        monkeypatch.setattr(user_runs, "new_run_id", lambda run_id=run_id: run_id)
        called = callers.submit(run_definition, api.definition, UserRequest("GET"), user="a", client_address="")
        time.sleep(longest * number / 40)
        said, error = attempt(run_id), called.result(20).error
        assert (error is not None and error.code == 2007) if said == "cancelled" else error is None, said
        ends.add(said)
    assert ends >= {"cancelled", "RunOverError"}


def attempt(run_id):
    try:
        cancel(uuid.UUID(run_id), "jane")
    except (RunOverError, NoSuchRunError) as error:
        return type(error).__name__
    return "cancelled"


def test_unknown_run_is_not_found(stack):
    with pytest.raises(NoSuchRunError):
        cancel(uuid.uuid4(), "jane")


def test_run_is_cancelled_on_whichever_node_it_is(stack, publish):
    api, count = publish(SLEEPS), 2 * concurrency_limit()

    def running():
        return [each for each in current_runs.look().running if each.definition_id == str(api.definition.pk)]

    with stack.another_worker(), ThreadPoolExecutor(count) as callers:
        called = [callers.submit(api.call, stack.client) for _ in range(count)]
        wait_until(lambda: len(running()) == count, what="every slot of both nodes is taken")
        for record in running():
            cancel(uuid.UUID(record.id), "jane")
        assert [error_of(each.result(timeout=60)) for each in called] == [CANCELLED] * count


def test_without_redis_the_answer_is_unavailable(breakable_stack):
    breakable_stack.stop_redis()
    try:
        user = User.objects.create_superuser("canceller")
        key = {"Authorization": f"Token {create_key(user, 'own', 1)[1]}"}
        answer = breakable_stack.client.delete(f"/api/management/runs/{uuid.uuid4()}/", headers=key)
        assert (answer.status_code, answer.json()["errors"][0]["reason"]) == (503, "Unavailable")
    finally:
        breakable_stack.redis = breakable_stack.start_redis()
        remove_users(username="canceller")
