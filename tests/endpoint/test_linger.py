"""A thread of a node that has nothing to do stays at hand for a moment: jobs are handed to it past Celery."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from automation import queue
from automation.message import QUEUE
from automation.outcome import Head, Outcome
from automation.queue import _still_due as still_due
from automation.runner import PROBE_SCRIPT, publish_subscript
from tests.endpoint.fakenode import INSTANCE, NODE_ID
from tests.stack import wait_until

WAITER = "a thread"
LINGERING = "udapi:lingering"


@pytest.fixture
def callers():
    """Who calls at the same time."""
    with ThreadPoolExecutor(3) as pool:
        yield pool


@pytest.fixture
def lingering(lonely, publish, fake_node, callers):
    """An API; a thread of the node has just answered for it, and found nothing else to do."""
    fake_node.live()
    api = publish()
    called = callers.submit(api.call, lonely.client)
    assert queue.finish(fake_node.take(), answer("first"), INSTANCE, WAITER) is None
    assert called.result().text == "first"
    return api


@pytest.fixture
def at_leisure(monkeypatch):
    """A test takes longer than the moment that a thread has."""
    monkeypatch.setattr(queue, "_LINGER_SECONDS", 2.0)


def answer(body: str) -> bytes:
    return Outcome(Head(NODE_ID), body.encode()).encode()


def is_handed(fake_node) -> bool:
    return bool(fake_node.redis.exists(f"udapi:handed:{WAITER}"))


def test_the_next_job_is_handed_to_it(at_leisure, lonely, lingering, fake_node, callers):
    called = callers.submit(lingering.call, lonely.client)
    claim = queue.linger(WAITER, INSTANCE)
    assert claim is not None and fake_node.redis.llen(QUEUE) == 0
    assert queue.claim(claim.job_id, INSTANCE) is None
    queue.finish(claim.job_id, answer("handed"))
    assert called.result().text == "handed"
    assert not is_handed(fake_node)


def test_of_several_it_is_handed_to_the_one_that_has_worked_last(
    at_leisure, lonely, lingering, fake_node, callers, publish
):
    busy = callers.submit(publish().call, lonely.client)
    first = queue.linger(WAITER, INSTANCE)
    assert first is not None
    other = callers.submit(lingering.call, lonely.client)
    assert queue.finish(fake_node.take(), answer("earlier"), INSTANCE, "an idle thread") is None
    assert other.result().text == "earlier"
    wait_until(lambda: fake_node.redis.zcard(LINGERING) == 1, 10, "a thread that lingers")
    fake_node.redis.zincrby(LINGERING, -100, "an idle thread")
    assert queue.finish(first.job_id, answer("later"), INSTANCE, WAITER) is None
    assert busy.result().text == "later"
    called = callers.submit(lingering.call, lonely.client)
    claim = queue.linger(WAITER, INSTANCE)
    assert claim is not None
    queue.finish(claim.job_id, answer("handed"))
    assert called.result().text == "handed"


def test_only_the_next_one(at_leisure, lonely, lingering, fake_node, callers):
    calls = [callers.submit(lingering.call, lonely.client) for _ in range(2)]
    wait_until(lambda: is_handed(fake_node) and fake_node.redis.llen(QUEUE) == 1, 10, "one handed, one in the queue")
    claim = queue.linger(WAITER, INSTANCE)
    assert claim is not None
    following = queue.finish(claim.job_id, answer("handed"), INSTANCE, WAITER)
    assert following is not None
    queue.finish(following.job_id, answer("queued"))
    assert {call.result().text for call in calls} == {"handed", "queued"}


def test_a_large_body_is_handed_over_too(at_leisure, lonely, lingering, fake_node, callers):
    called = callers.submit(
        lingering.call, lonely.client, content="x" * 200_000, headers={"Content-Type": "text/plain"}
    )
    claim = queue.linger(WAITER, INSTANCE)
    assert claim is not None and claim.payload.body == b"x" * 200_000
    queue.finish(claim.job_id, answer("large"))
    assert called.result().text == "large"


def test_a_redis_that_has_forgotten_the_script_learns_it_again(at_leisure, lonely, lingering, fake_node, callers):
    fake_node.redis.script_flush()
    called = callers.submit(lingering.call, lonely.client)
    claim = queue.linger(WAITER, INSTANCE)
    assert claim is not None
    queue.finish(claim.job_id, answer("learnt"))
    assert called.result().text == "learnt"


def test_nobody_is_handed_anything_when_the_moment_is_over(lonely, lingering, fake_node, callers):
    assert queue.linger(WAITER, INSTANCE) is None
    with fake_node.answers(answer("by the queue")):
        assert lingering.call(lonely.client).text == "by the queue"
    assert not is_handed(fake_node)


def test_nor_ahead_of_those_that_wait(at_leisure, lonely, lingering, fake_node, callers):
    fake_node.redis.lpush(QUEUE, "whoever")
    called = callers.submit(lingering.call, lonely.client)
    wait_until(lambda: fake_node.redis.llen(QUEUE) == 2, 10, "the job behind it")
    fake_node.redis.rpop(QUEUE)
    queue.finish(fake_node.take(), answer("in turn"))
    assert called.result().text == "in turn"


def test_what_a_dead_thread_was_handed_is_sent_again(at_leisure, lonely, lingering, fake_node, callers):
    called = callers.submit(lingering.call, lonely.client)
    wait_until(lambda: is_handed(fake_node), 10, "a job for the thread")
    queue.finish(fake_node.take(), answer("by another"))
    assert called.result().text == "by another"


def test_a_node_that_finishes_its_last_run_is_handed_nothing(lonely, publish, fake_node):
    with fake_node.answers(answer("last")):
        assert publish().call(lonely.client).text == "last"
    assert fake_node.redis.zcard(LINGERING) == 0


def test_what_it_was_handed_while_it_did_not_listen_is_taken_first(
    at_leisure, lonely, lingering, fake_node, callers, publish
):
    late = callers.submit(lingering.call, lonely.client)
    wait_until(lambda: is_handed(fake_node), 10, "a job for the thread")
    other = publish()
    called = callers.submit(other.call, lonely.client)
    claim = queue.finish(fake_node.take(), answer("meanwhile"), INSTANCE, WAITER)
    assert called.result().text == "meanwhile"
    assert claim is not None and queue.finish(claim.job_id, answer("late"), INSTANCE, WAITER) is None
    assert late.result().text == "late"
    assert not is_handed(fake_node)


def test_what_is_over_of_it_wakes_nobody(at_leisure, lonely, lingering, fake_node, callers):
    fake_node.redis.rpush(f"udapi:handed:{WAITER}", "gone", "gone", "gone")
    first = callers.submit(lingering.call, lonely.client)
    wait_until(lambda: fake_node.redis.llen(f"udapi:handed:{WAITER}") == 5, 10, "a job behind what is over")
    queue.finish(fake_node.take(), answer("sent again"), INSTANCE, WAITER)
    assert first.result().text == "sent again"
    assert not is_handed(fake_node)
    second = callers.submit(lingering.call, lonely.client)
    claim = queue.linger(WAITER, INSTANCE)
    assert claim is not None
    queue.finish(claim.job_id, answer("handed"))
    assert second.result().text == "handed"


def test_who_has_work_is_handed_nothing_more(at_leisure, lonely, lingering, fake_node, callers):
    calls = [callers.submit(lingering.call, lonely.client) for _ in range(3)]
    wait_until(lambda: is_handed(fake_node) and fake_node.redis.llen(QUEUE) == 2, 10, "one handed, two in the queue")
    claim = queue.linger(WAITER, INSTANCE)
    for _ in calls:
        assert claim is not None and fake_node.redis.zcard(LINGERING) == 0
        claim = queue.finish(claim.job_id, answer("one of three"), INSTANCE, WAITER)
    assert claim is None and fake_node.redis.zcard(LINGERING) == 1
    assert [call.result().text for call in calls] == ["one of three"] * 3


def test_what_nobody_waits_for_stays_in_the_queue(at_leisure, lingering, fake_node):
    publish_subscript(PROBE_SCRIPT, {})
    assert fake_node.redis.llen(QUEUE) == 1 and not is_handed(fake_node)


@pytest.mark.parametrize("seconds", [60.0, 1.95])
def test_who_was_stopped_meanwhile_asks_what_is_left_of_the_time(
    at_leisure, monkeypatch, lonely, lingering, fake_node, callers, seconds
):
    called = callers.submit(lingering.call, lonely.client)
    wait_until(lambda: is_handed(fake_node), 10, "a job for the thread")
    clock, asked = itertools.count(0, seconds), []

    def ask(claim):
        asked.append(claim)
        return still_due(claim)

    with monkeypatch.context() as patch:
        patch.setattr(queue, "_now", lambda: next(clock))
        patch.setattr(queue, "_LATE_SECONDS", 10.0)
        patch.setattr(queue, "_still_due", ask)
        claim = queue.linger(WAITER, INSTANCE)
    assert claim is not None and len(asked) == 1 and 0 < claim.milliseconds_left <= 2_000
    assert called.result().status_code == 500
    assert still_due(claim) is None
