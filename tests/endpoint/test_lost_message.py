"""A message that a node took from the queue and died with: its ticket still waits, so it is sent again."""

import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from fleet import queue, redis_keys
from fleet.answer import Answer
from fleet.message import QUEUE
from hosts.jobs import Job, JobKind
from tests.endpoint.fakenode import INSTANCE, NODE_ID
from tests.stack import wait_until


@pytest.fixture
def callers():
    """Who calls at the same time."""
    with ThreadPoolExecutor(3) as pool:
        yield pool


@pytest.fixture
def lose(fake_node):
    """Takes the next message and forgets it."""

    def lose() -> None:
        assert fake_node.redis.brpop([QUEUE], timeout=10), "no job was queued"

    fake_node.live()
    return lose


def answer(fake_node, body: bytes) -> None:
    queue.finish(fake_node.take(), Answer(NODE_ID, body=body))


def test_with_nobody_behind_it(lonely, publish, fake_node, callers, lose):
    called = callers.submit(publish().call, lonely.client)
    lose()
    answer(fake_node, b"second try")
    assert called.result().text == "second try"
    assert fake_node.redis.llen(QUEUE) == 0


def test_with_another_behind_it_that_still_waits(lonely, publish, fake_node, callers, lose):
    api = publish()
    first = callers.submit(api.call, lonely.client)
    lose()
    second = callers.submit(api.call, lonely.client)
    wait_until(lambda: fake_node.redis.llen(QUEUE) == 2, 10, "the first again, before the second")
    answer(fake_node, b"first")
    assert first.result().text == "first"
    answer(fake_node, b"second")
    assert second.result().text == "second"


def test_a_message_that_waits_is_not_sent_again(lonely, publish, fake_node, callers):
    fake_node.live()
    called = callers.submit(publish().call, lonely.client)
    # The caller looks once a second.
    time.sleep(1.4)
    assert fake_node.redis.llen(QUEUE) == 1
    answer(fake_node, b"once")
    assert called.result().text == "once"


def test_a_message_that_is_there_twice_runs_once(lonely, publish, fake_node, callers):
    fake_node.live()
    called = callers.submit(publish().call, lonely.client)
    _, message = fake_node.redis.brpop([QUEUE], timeout=10)
    wait_until(lambda: fake_node.redis.llen(QUEUE) == 1, 10, "the message again")
    fake_node.redis.rpush(QUEUE, message)
    answer(fake_node, b"once")
    assert called.result().text == "once"
    _, again = fake_node.redis.brpop([QUEUE], timeout=10)
    assert queue.claim(_id(again), "f" * 32) is None


def test_an_answer_is_waited_for_though_redis_has_lost_all_else_of_the_job(lonely, fake_node, callers, monkeypatch):
    restarted = threading.Event()

    def break_off(_connection, _seconds):
        restarted.wait(10)
        raise redis.ConnectionError

    monkeypatch.setattr(queue, "popped", break_off)
    fake_node.live()
    asked = callers.submit(queue.ask, Job(str(uuid.uuid4()), JobKind.PROBE, "", 1, "run"), 5)
    job_id = fake_node.take()
    fake_node.redis.delete(redis_keys.run(job_id))
    restarted.set()
    time.sleep(0.5)
    queue.finish(job_id, Answer(NODE_ID, body=b"in spite of that"))
    assert asked.result().body == b"in spite of that"


def test_a_node_that_answers_takes_the_next_job_in_the_same_round_trip(lonely, publish, fake_node, callers):
    fake_node.live()
    first, job_id = callers.submit(publish().call, lonely.client), fake_node.take()
    second = callers.submit(publish().call, lonely.client)
    wait_until(lambda: fake_node.redis.llen(QUEUE) == 1, 10, "the second job")
    taken = queue.finish(job_id, Answer(NODE_ID, body=b"first"), INSTANCE)
    assert first.result().text == "first"
    assert taken is not None and queue.claim(taken.job_id, INSTANCE) is None
    assert queue.finish(taken.job_id, Answer(NODE_ID, body=b"second"), INSTANCE) is None
    assert second.result().text == "second"


def test_a_large_body_comes_with_the_next_job(lonely, publish, fake_node, callers):
    fake_node.live()
    first, job_id = callers.submit(publish().call, lonely.client), fake_node.take()
    headers = {"Content-Type": "text/plain"}
    second = callers.submit(publish().call, lonely.client, content="x" * 200_000, headers=headers)
    wait_until(lambda: fake_node.redis.llen(QUEUE) == 1, 10, "the second job")
    taken = queue.finish(job_id, Answer(NODE_ID, body=b"first"), INSTANCE)
    assert taken is not None and taken.job().body == b"x" * 200_000
    queue.finish(taken.job_id, Answer(NODE_ID, body=b"second"))
    assert (first.result().text, second.result().text) == ("first", "second")


def test_a_job_past_its_deadline_is_passed_by(lonely, publish, fake_node, callers):
    fake_node.live()
    called, job_id = callers.submit(publish().call, lonely.client), fake_node.take()
    for seconds in (0.1, 10):
        queue.publish(Job(str(uuid.uuid4()), JobKind.SUBSCRIPT, "", 1, "run"), seconds)
    time.sleep(0.2)
    taken = queue.finish(job_id, Answer(NODE_ID), INSTANCE)
    assert taken is not None and taken.milliseconds_left > 1_000
    assert called.result().status_code == 200


@pytest.mark.parametrize(
    "foreign",
    [
        "no JSON",
        "[]",
        '{"headers": {"lang": "py", "task": "somebody.elses", "id": "11111111-2222-3333-4444-555555555555"}}',
        '{"body": "W10=", "headers": {"lang": "py", "task": "udapi.run_job", "id": "another release"}}',
    ],
)
def test_a_message_that_is_not_ours_is_left_to_celery_with_all_behind_it(lonely, publish, fake_node, callers, foreign):
    fake_node.live()
    first, job_id = callers.submit(publish().call, lonely.client), fake_node.take()
    fake_node.redis.lpush(QUEUE, foreign)
    second = callers.submit(publish().call, lonely.client)
    wait_until(lambda: fake_node.redis.llen(QUEUE) == 2, 10, "the second job")
    assert queue.finish(job_id, Answer(NODE_ID, body=b"first"), INSTANCE) is None
    assert first.result().text == "first"
    assert fake_node.redis.rpop(QUEUE) == foreign.encode()
    answer(fake_node, b"second")
    assert second.result().text == "second"


def _id(message: bytes) -> str:
    return str(json.loads(message)["headers"]["id"])
