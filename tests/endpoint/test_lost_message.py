"""A message that a node took from the queue and died with: its ticket still waits, so it is sent again."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from automation import queue
from automation.message import QUEUE
from automation.outcome import Head, Outcome
from tests.endpoint.fakenode import NODE_ID
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
    queue.finish(fake_node.take(), Outcome(Head(NODE_ID), body).encode())


def test_with_nobody_behind_it(lonely, publish, fake_node, callers, lose):
    called = callers.submit(publish().call, lonely.client)
    lose()
    answer(fake_node, b"second try")
    assert called.result().text == "second try"
    assert fake_node.redis.llen(QUEUE) == 0


def test_with_others_behind_it_that_still_wait(lonely, publish, fake_node, callers, lose):
    api = publish()
    first = callers.submit(api.call, lonely.client)
    lose()
    second = callers.submit(api.call, lonely.client)
    answer(fake_node, b"second")
    assert second.result().text == "second"
    third = callers.submit(api.call, lonely.client)
    wait_until(lambda: fake_node.redis.llen(QUEUE) == 2, 10, "the first again, before the third")
    answer(fake_node, b"first")
    assert first.result().text == "first"
    answer(fake_node, b"third")
    assert third.result().text == "third"


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
    asked = callers.submit(queue.ask, "job", queue.Payload({}), 5)
    job_id = fake_node.take()
    fake_node.redis.delete(f"udapi:run:{job_id}")
    restarted.set()
    time.sleep(0.5)
    queue.finish(job_id, b"in spite of that")
    assert asked.result() == b"in spite of that"


def _id(message: bytes) -> str:
    return str(json.loads(message)["headers"]["id"])


def test_whoever_finishes_takes_the_next_and_passes_by_what_is_no_job(lonely, publish, fake_node, callers):
    fake_node.live()
    first = callers.submit(publish().call, lonely.client)
    job_id = fake_node.take()
    for rubbish in ("no JSON", "[]", '{"headers": 1}', '{"headers": {"id": []}}', '{"headers": {"id": "nobody"}}'):
        fake_node.redis.lpush(QUEUE, rubbish)
    second = callers.submit(publish().call, lonely.client)
    wait_until(lambda: fake_node.redis.llen(QUEUE) == 6, 10, "the second job")
    taken = queue.finish(job_id, Outcome(Head(NODE_ID), b"first").encode(), "f" * 32)
    assert first.result().text == "first"
    assert taken is not None and queue.finish(taken.job_id, Outcome(Head(NODE_ID), b"second").encode()) is None
    assert second.result().text == "second"
    assert fake_node.redis.llen(QUEUE) == 0
