"""Celery's own tools (`inspect`, `control`, `events`) see the node and each of its triggers."""

import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from celery import current_app

from endpoint.errors import NEVER_STARTED
from fleet import queue, redis_keys
from fleet.answer import Reason
from fleet.celery_message import QUEUE, TASK_NAME
from fleet.pool import concurrency_limit
from hosts.jobs import Job, JobKind
from testbed.stack import wait_until
from tests.fleet.conftest import ask_node

NAMES_ITSELF = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=request.context.trigger_id)
"""
CALLERS = 8
EACH = 25


def only(answers):
    """The answer of the only worker."""
    assert answers is not None and len(answers) == 1, answers
    return next(iter(answers.values()))


def inspect():
    return current_app.control.inspect(timeout=20, limit=1)


def run_at_once(stack, api) -> list[str]:
    """The ids of many triggers, from more callers than the node has slots."""

    def call(_: int) -> str:
        answer = api.call(stack.client)
        assert answer.status_code == 200
        return str(answer.text)

    with ThreadPoolExecutor(CALLERS) as callers:
        return list(callers.map(call, range(CALLERS * EACH)))


@pytest.fixture
def echo(publish):
    """An API that answers with the id of its trigger."""
    return publish(NAMES_ITSELF)


def test_celery_inspect_finds_the_node(stack):
    asked = ask_node(stack, "inspect", "ping")
    assert (asked.returncode, "1 node online." in asked.stdout) == (0, True), asked.stdout + asked.stderr


def test_inspect_names_a_node_and_what_it_runs(stack, held):
    assert TASK_NAME in only(inspect().registered())
    assert [each["name"] for each in only(inspect().active_queues())] == [QUEUE]
    assert only(inspect().stats())["pool"]["max-concurrency"] == concurrency_limit()
    with held.busy(), stack.redis_client() as redis:
        running = {key.decode().rpartition(":")[2] for key in redis.keys(redis_keys.run("*"))}
        assert {each["id"] for each in only(inspect().active())} == running
        assert only(inspect().reserved()) == []
    wait_until(lambda: only(inspect().active()) == [], what="an idle node")


@pytest.mark.parametrize("question", ["stats", "conf", "report"])
def test_no_inspect_command_reveals_the_password_of_the_broker(stack, question):
    told = ask_node(stack, "inspect", question)
    assert (told.returncode, "redis+socket" in told.stdout) == (0, True), told.stdout + told.stderr
    assert stack.data.redis_password_file.read_text().strip() not in told.stdout


def test_each_trigger_has_a_request_of_its_own(stack, echo):
    before = only(inspect().stats())["total"].get(TASK_NAME, 0)
    triggers = run_at_once(stack, echo)
    assert only(inspect().stats())["total"][TASK_NAME] == before + len(triggers)


@contextmanager
def heard_events() -> Iterator[dict[str, list[str]]]:
    """The types of all events that workers send within the block, by task."""
    told: dict[str, list[str]] = defaultdict(list)
    with current_app.connection_for_read() as connection:
        handlers = {"*": lambda event: told[event.get("uuid", "")].append(event["type"])}
        receiver = current_app.events.Receiver(connection, handlers=handlers)
        listening = threading.Thread(target=receiver.capture)
        listening.start()
        try:
            yield told
        finally:
            # The receiver checks once a second.
            receiver.should_stop = True
            listening.join(20)


@contextmanager
def asked_for_events() -> Iterator[None]:
    """The worker sends events within the block."""
    _tell(current_app.control.enable_events)
    try:
        yield
    finally:
        _tell(current_app.control.disable_events)


def test_events_describe_each_trigger_while_they_are_enabled(stack, echo):
    with heard_events() as told:
        with asked_for_events():
            wait_until(lambda: echo.call(stack.client).status_code == 200 and bool(told), what="the first event")
        unheard = run_at_once(stack, echo)
        with asked_for_events():
            heard = run_at_once(stack, echo)
            wait_until(lambda: all(len(told[each]) == 3 for each in heard), what="three events of each trigger")
    assert {tuple(told[each]) for each in heard} == {("task-received", "task-started", "task-succeeded")}
    assert not [each for each in unheard if each in told]


def _tell(command, *arguments) -> None:
    """Send the only worker a command of remote control, and wait for its effect."""
    (reply,) = command(*arguments, reply=True, timeout=20, limit=1)
    assert "ok" in only(reply), reply


def test_a_node_whose_consumer_is_cancelled_leaves_the_fleet_until_it_is_added_again(stack, echo):
    _tell(current_app.control.cancel_consumer, QUEUE)
    wait_until(lambda: stack.nodes() == 0, what="a node that has left")
    refused = echo.call(stack.client)
    assert (refused.status_code, refused.json()["errors"][0]["errorCode"]) == (503, 7)
    _tell(current_app.control.add_consumer, QUEUE)
    wait_until(lambda: stack.nodes() == 1, what="the node again")
    assert echo.call(stack.client).status_code == 200


def test_celery_rate_limit_delays_no_trigger(stack, echo):
    _tell(current_app.control.rate_limit, TASK_NAME, "1/h")
    try:
        assert len(run_at_once(stack, echo)) == CALLERS * EACH
    finally:
        _tell(current_app.control.rate_limit, TASK_NAME, None)


def test_revoked_trigger_never_starts_and_its_caller_is_answered_at_once(stack, held):
    with held.busy() as callers, stack.redis_client() as redis:
        called = callers.submit(held.call)
        wait_until(lambda: redis.keys(redis_keys.ticket("*")), what="a trigger that waits")
        (ticket,) = redis.keys(redis_keys.ticket("*"))
        _tell(current_app.control.revoke, ticket.decode().rpartition(":")[2])
        answer = called.result(timeout=60)
        assert not held.go.exists(), "answered while every slot is still taken"
    error = answer.json()["errors"][0]
    assert (error["errorCode"], error["detail"]) == (1001, NEVER_STARTED)
    assert len(held.runs()) == concurrency_limit()


def test_a_job_whose_request_celery_discards_is_answered(stack, held):
    """The node knows of the revocation before it gets the job."""
    job = Job(str(uuid.uuid4()), JobKind.PROBE, str(uuid.UUID(int=0)), 1, "run")
    _tell(current_app.control.revoke, job.id)
    with held.busy() as callers, stack.redis_client() as redis:
        asked = callers.submit(queue.ask, job, 60)
        wait_until(lambda: redis.exists(redis_keys.ticket(job.id)), what="the job in the queue")
    assert asked.result().reason == Reason.NEVER_STARTED
    assert f"trigger={job.id} was taken from the queue and could not be run" in stack.log_text("manager.log")


def test_message_of_another_task_is_left_to_celery_under_any_load(stack, echo):
    """Celery logs a task that it does not know. Such a message must not vanish."""
    foreign = [str(uuid.uuid4()) for _ in range(20)]

    def send() -> None:
        for task_id in foreign:
            current_app.send_task("somebody.elses", task_id=task_id, queue=QUEUE)

    sender = threading.Thread(target=send)
    sender.start()
    run_at_once(stack, echo)
    sender.join()
    wait_until(lambda: all(each in stack.log_text("manager.log") for each in foreign), what="every task in the log")


def test_calls_that_succeed_leave_no_error_in_the_log(stack, echo):
    before = len(stack.log_text("manager.log"))
    assert echo.call(stack.client).status_code == 200
    run_at_once(stack, echo)
    wait_until(lambda: only(inspect().active()) == [], what="an idle node")
    written = stack.log_text("manager.log")[before:]
    assert written.count("INFO udapi.trigger: ended") == 1 + CALLERS * EACH
    assert " ERROR " not in written and " WARNING " not in written
