"""Ordinary tasks run in a program of their own, with Celery's usual delivery."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from broker.installation import prefix
from health import broker_facts, probe_result
from testbed.stack import wait_until
from tests.fleet.own_tasks import BEGUN, DONE
from udapi_site.celery import app


@pytest.fixture
def redis(stack):
    with stack.redis_client() as client:
        yield client
        client.delete(DONE, BEGUN, "test:senders")


@pytest.fixture
def background(stack, redis):
    """Starts background programs with a user's own tasks."""
    started = []

    def background():
        started.append(stack.start_background(UDAPI_TASK_MODULES="tests.fleet.own_tasks"))
        return started[-1]

    yield background
    for process in started:
        process.terminate()
        process.wait(30)


def _send(name: str, *arguments: int) -> None:
    app.send_task(f"tests.fleet.own_tasks.{name}", args=arguments)


def _waiting(redis) -> int:
    """Messages that wait or are not acknowledged."""
    return int(redis.llen(f"{prefix()}udapi.background") + redis.hlen(f"{prefix()}unacked"))


def test_every_task_of_a_user_arrives_beside_triggers_at_full_load(stack, background, redis, publish):
    background()
    api = publish()
    with ThreadPoolExecutor(16) as callers:
        answers = [callers.submit(api.call, stack.client) for _ in range(320)]
        for number in range(100):
            _send("note", number)
        assert {answer.result().status_code for answer in answers} == {200}
    wait_until(lambda: redis.scard(DONE) == 100, what="all tasks")
    wait_until(lambda: _waiting(redis) == 0, what="their acknowledgement")


def test_a_task_that_is_acknowledged_late_is_delivered_again_when_its_program_is_killed(background, redis):
    program = background()
    _send("slow_at_first", 7)
    wait_until(lambda: redis.get(BEGUN) == b"1", what="the task")
    program.kill()
    program.wait()
    # Celery delivers a message again after an hour: pretend that it has passed.
    for tag in redis.zrange(f"{prefix()}unacked_index", 0, -1):
        redis.zincrby(f"{prefix()}unacked_index", -3_700, tag)
    background()
    wait_until(lambda: redis.smembers(DONE) == {b"7"}, what="the task again")
    assert redis.get(BEGUN) == b"2"
    wait_until(lambda: _waiting(redis) == 0, what="its acknowledgement")


def test_celery_s_tools_see_both_programs_of_a_node_and_health_sees_the_second(stack, background, redis):
    background()
    wait_until(lambda: stack.celery("inspect", "ping").stdout.count("pong") == 2, what="both programs")
    both = app.control.inspect(timeout=20, limit=2)
    consumed = both.active_queues() or {}
    queues = [queue["name"] for found in consumed.values() for queue in found]
    assert sorted(queues) == ["udapi.background", "udapi.triggers"]
    registered = {name for found in (both.registered() or {}).values() for name in found}
    assert registered >= {"tokens.tasks.move_last_use", "access.tasks.clear_sessions"}
    assert registered >= {"automation.tasks.prune_versions", "automation.tasks.keep_missing_versions"}
    wait_until(lambda: broker_facts.look().has_schedule, what="the lease of the timetable")
    redis.delete(f"{prefix()}public-url")
    app.send_task("health.tasks.probe_public_url")
    wait_until(lambda: probe_result.last_result() is not None, what="a probe of the public URL")


@pytest.mark.skipif(os.geteuid() == 0, reason="root's files tell nothing: run the tests as an ordinary user")
def test_other_processes_of_the_account_cannot_read_what_the_program_knows(stack, background):
    program = background()
    wait_until(lambda: os.stat(f"/proc/{program.pid}/environ").st_uid == 0, what="the closed process")
