"""A job that a node claimed and could not start goes back to the queue and keeps its deadline."""

import uuid

import pytest

from fleet import cancellation, claims, queue, redis_keys
from fleet.answer import Answer
from hosts.jobs import Job, JobKind
from testbed.stack import wait_until
from tests.endpoint.catalogue import MAY_HAVE_RUN, NEVER_STARTED
from tests.endpoint.fakenode import INSTANCE, NODE_ID

LARGE = b"x" * 200_000


@pytest.fixture
def take(fake_node):
    """Claims the next job."""
    fake_node.live()
    return fake_node.take


def publish_job(body: bytes = b"") -> str:
    job = Job(str(uuid.uuid4()), JobKind.SUBSCRIPT, "", 1, "run", body=body)
    queue.publish(job, 60)
    return job.id


def keys(fake_node, job_id: str) -> set[bytes]:
    return set(fake_node.redis.keys(f"*{job_id}"))


def test_a_job_given_back_is_first_in_the_queue_and_keeps_its_deadline(fake_node, take):
    job_id, _ = publish_job(), publish_job()
    ticket = fake_node.redis.hgetall(redis_keys.ticket(job_id))
    claim = take()
    assert (claim.job_id, claim.was_given_back) == (job_id, False)
    assert claims.give_back(claim, INSTANCE, is_failure=True)
    assert fake_node.redis.hgetall(redis_keys.ticket(job_id)).items() > ticket.items()
    assert 60_000 < fake_node.redis.pttl(redis_keys.ticket(job_id)) <= 65_000
    assert keys(fake_node, job_id) == {redis_keys.ticket(job_id).encode()}
    again = take()
    assert (again.job_id, again.was_given_back) == (job_id, True)
    assert again.milliseconds_left <= claim.milliseconds_left
    assert again.milliseconds_waited >= claim.milliseconds_waited


def test_a_job_that_was_not_tried_can_be_given_back_once_more(take):
    publish_job()
    assert claims.give_back(take(), INSTANCE, is_failure=False)
    assert not take().was_given_back


def test_a_large_body_is_there_again(take):
    publish_job(LARGE)
    assert claims.give_back(take(), INSTANCE, is_failure=True)
    assert take().job().body == LARGE


@pytest.mark.parametrize("body", [b"", LARGE], ids=["small", "large"])
def test_a_job_that_its_caller_has_given_up_stays_away(fake_node, take, body):
    publish_job(body)
    claim = take()
    with pytest.raises(cancellation.UnansweredError) as told:
        cancellation.cancel(claim.job_id)
    assert told.value.may_have_run
    assert not claims.give_back(claim, INSTANCE, is_failure=True)
    assert keys(fake_node, claim.job_id) == set()
    assert fake_node.redis.llen(redis_keys.queue()) == 0


def test_a_job_of_another_node_stays_with_it(fake_node, take):
    publish_job()
    claim = take()
    assert not claims.give_back(claim, "0" * 32, is_failure=True)
    assert keys(fake_node, claim.job_id) == {redis_keys.run(claim.job_id).encode()}


def test_the_caller_of_a_job_given_back_gets_the_answer_of_the_next_node(lonely, publish, take, callers):
    called = callers.submit(publish().call, lonely.client, content=LARGE, headers={"Content-Type": "text/plain"})
    assert claims.give_back(take(), INSTANCE, is_failure=True)
    claims.finish(take(), Answer(NODE_ID, body=b"the next one"))
    assert called.result().text == "the next one"


@pytest.mark.parametrize(("is_claimed_again", "detail"), [(False, NEVER_STARTED), (True, MAY_HAVE_RUN)])
def test_the_caller_of_a_job_given_back_is_told_what_became_of_it(
    lonely, publish, fake_node, take, callers, is_claimed_again, detail
):
    called = callers.submit(publish().call, lonely.client)
    claim = take()
    assert claims.give_back(claim, INSTANCE, is_failure=True)
    if is_claimed_again:
        take()
    assert called.result().json()["errors"][0]["detail"] == detail
    wait_until(lambda: not keys(fake_node, claim.job_id), what="no key of the job")


def test_a_job_given_back_can_be_revoked(lonely, publish, take, callers):
    called = callers.submit(publish().call, lonely.client)
    claim = take()
    assert claims.give_back(claim, INSTANCE, is_failure=True)
    cancellation.revoke(claim.job_id)
    assert called.result().json()["errors"][0]["detail"] == NEVER_STARTED
