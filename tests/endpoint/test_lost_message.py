"""When a node takes a message and dies, the ticket still waits, so the message is sent again."""

import json
import threading
import time
import uuid

import pytest
import redis

from broker.client import server_life
from broker.connections import HeldConnection
from fleet import celery_message, claims, lua, queue, redis_keys
from fleet.answer import Answer
from fleet.reply import LATE_MILLISECONDS
from hosts.jobs import Job, JobKind
from testbed.stack import wait_until
from tests.endpoint.fakenode import INSTANCE, NODE_ID


@pytest.fixture
def lose(fake_node):
    """Take the next message and lose it."""

    def lose() -> None:
        assert fake_node.redis.brpop([redis_keys.queue()], timeout=10), "no job was queued"

    fake_node.live()
    return lose


def answer(fake_node, body: bytes) -> None:
    claims.finish(fake_node.take(), Answer(NODE_ID, body=body))


def test_a_lost_message_is_sent_again(lonely, publish, fake_node, callers, lose):
    called = callers.submit(publish().call, lonely.client)
    lose()
    answer(fake_node, b"second try")
    assert called.result().text == "second try"
    assert fake_node.redis.llen(redis_keys.queue()) == 0


def test_a_lost_message_is_sent_again_before_a_later_one(lonely, publish, fake_node, callers, lose):
    api = publish()
    first = callers.submit(api.call, lonely.client)
    lose()
    second = callers.submit(api.call, lonely.client)
    wait_until(lambda: fake_node.redis.llen(redis_keys.queue()) == 2, what="the first again, before the second")
    answer(fake_node, b"first")
    assert first.result().text == "first"
    answer(fake_node, b"second")
    assert second.result().text == "second"


def test_a_message_that_waits_is_not_sent_again(lonely, publish, fake_node, callers):
    fake_node.live()
    called = callers.submit(publish().call, lonely.client)
    # The caller looks once a second.
    time.sleep(1.4)
    assert fake_node.redis.llen(redis_keys.queue()) == 1
    answer(fake_node, b"once")
    assert called.result().text == "once"


def test_a_message_that_is_there_twice_runs_once(lonely, publish, fake_node, callers):
    fake_node.live()
    called = callers.submit(publish().call, lonely.client)
    _, message = fake_node.redis.brpop([redis_keys.queue()], timeout=10)
    wait_until(lambda: fake_node.redis.llen(redis_keys.queue()) == 1, what="the message again")
    fake_node.redis.rpush(redis_keys.queue(), message)
    answer(fake_node, b"once")
    assert called.result().text == "once"
    _, again = fake_node.redis.brpop([redis_keys.queue()], timeout=10)
    assert claims.claim(_id(again), "f" * 32) is None


def test_an_answer_is_waited_for_though_redis_has_lost_all_else_of_the_job(lonely, fake_node, callers, monkeypatch):
    restarted = threading.Event()

    def break_off(_connection, _seconds, _caller):
        restarted.wait(10)
        raise redis.ConnectionError

    monkeypatch.setattr(queue, "popped", break_off)
    fake_node.live()
    asked = callers.submit(queue.ask, Job(str(uuid.uuid4()), JobKind.PROBE, "", 1, "run"), 5)
    claim = fake_node.take()
    fake_node.redis.delete(redis_keys.run(claim.job_id))
    restarted.set()
    time.sleep(0.5)
    claims.finish(claim, Answer(NODE_ID, body=b"in spite of that"))
    assert asked.result().body == b"in spite of that"


def test_a_node_that_answers_takes_the_next_job_in_the_same_round_trip(lonely, publish, fake_node, callers):
    fake_node.live()
    first, claim = callers.submit(publish().call, lonely.client), fake_node.take()
    second = callers.submit(publish().call, lonely.client)
    wait_until(lambda: fake_node.redis.llen(redis_keys.queue()) == 1, what="the second job")
    taken = claims.finish(claim, Answer(NODE_ID, body=b"first"), INSTANCE)
    assert first.result().text == "first"
    assert taken is not None and claims.claim(taken.job_id, INSTANCE) is None
    assert claims.finish(taken, Answer(NODE_ID, body=b"second"), INSTANCE) is None
    assert second.result().text == "second"


def test_a_large_body_comes_with_the_next_job(lonely, publish, fake_node, callers):
    fake_node.live()
    first, claim = callers.submit(publish().call, lonely.client), fake_node.take()
    headers = {"Content-Type": "text/plain"}
    second = callers.submit(publish().call, lonely.client, content="x" * 200_000, headers=headers)
    wait_until(lambda: fake_node.redis.llen(redis_keys.queue()) == 1, what="the second job")
    taken = claims.finish(claim, Answer(NODE_ID, body=b"first"), INSTANCE)
    assert taken is not None and taken.job().body == b"x" * 200_000
    claims.finish(taken, Answer(NODE_ID, body=b"second"))
    assert (first.result().text, second.result().text) == ("first", "second")


def test_a_job_past_its_deadline_is_skipped(lonely, publish, fake_node, callers):
    fake_node.live()
    called, claim = callers.submit(publish().call, lonely.client), fake_node.take()
    for seconds in (0.1, 10):
        queue.publish(Job(str(uuid.uuid4()), JobKind.SUBSCRIPT, "", 1, "run"), seconds)
    time.sleep(0.2)
    taken = claims.finish(claim, Answer(NODE_ID), INSTANCE)
    assert taken is not None and taken.milliseconds_left > 1_000
    assert called.result().status_code == 200


def test_a_job_whose_caller_may_have_given_up_is_skipped_until_its_next_look(lonely, publish, fake_node, callers):
    fake_node.live()
    first, claim = callers.submit(publish().call, lonely.client), fake_node.take()
    second = callers.submit(publish().call, lonely.client)
    wait_until(lambda: fake_node.redis.llen(redis_keys.queue()) == 1, what="the second job")
    (ticket,) = fake_node.redis.keys(redis_keys.ticket("*"))
    # A caller looks once a second, so this simulates a silence of some seconds.
    fake_node.redis.hset(ticket, "waits_until", fake_node.redis.time()[0] * 1_000 - 1_000)
    assert claims.finish(claim, Answer(NODE_ID, body=b"first"), INSTANCE) is None
    assert first.result().text == "first"
    answer(fake_node, b"second")
    assert second.result().text == "second"


def test_a_look_that_redis_receives_late_does_not_make_the_caller_seem_to_wait(fake_node):
    fake_node.live()
    job = Job(str(uuid.uuid4()), JobKind.SUBSCRIPT, "", 1, "run")
    queue.publish(job, 60)
    now = fake_node.redis.time()[0] * 1_000
    fake_node.redis.hset(redis_keys.ticket(job.id), "waits_until", now - 1_000)
    look(fake_node, job.id, now - 500)
    assert claims.claim(job.id, INSTANCE) is None
    look(fake_node, job.id, now + 5_000)
    assert claims.claim(job.id, INSTANCE)


def test_a_claim_is_held_while_its_caller_looks_and_its_node_owns_it(fake_node):
    fake_node.live()
    job = Job(str(uuid.uuid4()), JobKind.SUBSCRIPT, "", 1, "run")
    queue.publish(job, 1)
    assert claims.claim(job.id, INSTANCE) and claims.is_held(job.id, INSTANCE)
    assert not claims.is_held(job.id, "another")
    time.sleep(1.1)
    assert not claims.is_held(job.id, INSTANCE), "nobody has looked"
    look(fake_node, job.id, fake_node.redis.time()[0] * 1_000 + 5_000)
    assert claims.is_held(job.id, INSTANCE)
    fake_node.redis.delete(redis_keys.run(job.id))
    assert not claims.is_held(job.id, INSTANCE)


def look(fake_node, job_id: str, waits_until: int) -> None:
    """Ask Redis what a waiting caller asks once a second."""
    keys = (redis_keys.ticket(job_id), redis_keys.reply(job_id), redis_keys.run(job_id), redis_keys.queue())
    what = (redis_keys.node(""), celery_message.entry(job_id), job_id, LATE_MILLISECONDS, waits_until)
    with HeldConnection(fake_node.redis) as connection:
        assert lua.IS_LOST.over(connection, keys, *what, server_life(connection)) == 0


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
    first, claim = callers.submit(publish().call, lonely.client), fake_node.take()
    fake_node.redis.lpush(redis_keys.queue(), foreign)
    second = callers.submit(publish().call, lonely.client)
    wait_until(lambda: fake_node.redis.llen(redis_keys.queue()) == 2, what="the second job")
    assert claims.finish(claim, Answer(NODE_ID, body=b"first"), INSTANCE) is None
    assert first.result().text == "first"
    assert fake_node.redis.rpop(redis_keys.queue()) == foreign.encode()
    answer(fake_node, b"second")
    assert second.result().text == "second"


def _id(message: bytes) -> str:
    return str(json.loads(message)["headers"]["id"])
