"""A job that would not be done in time is refused at once, and its caller is told when to retry."""

import time
import uuid

import pytest

from endpoint.errors import UNAVAILABLE
from fleet import cancellation, claims, queue, redis_keys
from fleet.answer import Reason, failure
from hosts.jobs import Job, JobKind
from tests.endpoint.catalogue import assert_error
from tests.endpoint.fakenode import SLOTS

SLOW, FAST = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))
# How long an estimate is kept without news of its script, and its half-life.
KEPT_MILLISECONDS, HALF_MILLISECONDS = 120_000, 10_000


@pytest.fixture
def fleet(fake_node):
    fake_node.live()
    return fake_node


def queued(script: str, seconds: float) -> str:
    """Queue a job that may wait for this long, and return its id."""
    job = Job(str(uuid.uuid4()), JobKind.SUBSCRIPT, script, 1, "run")
    queue.publish(job, seconds)
    return job.id


def learn(fleet, script: str, milliseconds: int) -> None:
    """Send a heartbeat of a node whose job of this script has run for this long."""
    fleet.live(running=(script, milliseconds))


def test_nothing_is_refused_while_fewer_jobs_wait_than_there_are_slots(fleet):
    learn(fleet, SLOW, 60_000)
    for _ in range(SLOTS):
        queued(SLOW, 1)
    with pytest.raises(queue.NoNodeError) as refused:
        queued(SLOW, 1)
    # The four slots are busy for a minute, and this job has only a second.
    assert refused.value.retry_after in {60 + 60 - 1, 60 + 60}


def test_jobs_of_scripts_without_estimates_are_not_refused(fleet):
    for _ in range(10 * SLOTS):
        queued(FAST, 1)
    assert fleet.redis.llen(redis_keys.queue()) == 10 * SLOTS


def test_a_fast_job_is_queued_where_a_slow_one_is_refused(fleet):
    learn(fleet, SLOW, 1_000)
    learn(fleet, FAST, 100)
    for _ in range(2 * SLOTS):
        queued(SLOW, 3.05)
    with pytest.raises(queue.NoNodeError):
        queued(SLOW, 2.95)
    queued(FAST, 2.95)


def test_an_estimate_learns_from_runs_and_not_from_jobs_that_never_started(fleet):
    learn(fleet, FAST, 100)
    queued(FAST, 60)
    claim = fleet.take()
    time.sleep(0.9)
    claims.finish(claim, None)
    assert 190 < float(fleet.redis.get(redis_keys.estimate(FAST))) < 400
    queued(FAST, 60)
    claims.finish(fleet.take(), failure(Reason.NEVER_STARTED, "", 1))
    assert float(fleet.redis.get(redis_keys.estimate(FAST))) > 190


def test_a_run_that_outlasts_the_estimate_raises_it_and_a_shorter_one_does_not_lower_it(fleet):
    learn(fleet, SLOW, 500)
    learn(fleet, SLOW, 9_000)
    learn(fleet, SLOW, 20)
    assert float(fleet.redis.get(redis_keys.estimate(SLOW))) == 9_000


def test_the_estimate_halves_every_ten_seconds_while_none_of_its_jobs_waits_or_runs(fleet):
    learn(fleet, SLOW, 8_000)
    fleet.redis.pexpire(redis_keys.estimate(SLOW), KEPT_MILLISECONDS - 3 * HALF_MILLISECONDS)
    queued(SLOW, 60)
    # While a job waits, heartbeats keep the estimate.
    for _ in range(2):
        fleet.live()
        assert float(fleet.redis.get(redis_keys.estimate(SLOW))) == pytest.approx(1_000, rel=0.1)
    assert fleet.redis.pttl(redis_keys.estimate(SLOW)) > KEPT_MILLISECONDS - 1_000


def test_jobs_that_wait_are_counted_until_they_are_taken_or_cancelled(fleet):
    ids = [queued(SLOW, 60) for _ in range(3)]
    assert fleet.redis.hgetall(redis_keys.waiting()) == {SLOW.encode(): b"3"}
    fleet.take()
    cancellation.revoke(ids[1])
    assert fleet.redis.hgetall(redis_keys.waiting()) == {SLOW.encode(): b"1"}
    fleet.take()
    assert fleet.redis.hgetall(redis_keys.waiting()) == {SLOW.encode(): b"0"}
    # The trace of a lost ticket is removed when nothing waits.
    fleet.redis.hset(redis_keys.waiting(), SLOW, 7)
    fleet.redis.delete(redis_keys.queue())
    fleet.live()
    assert not fleet.redis.exists(redis_keys.waiting())


def test_the_caller_is_told_when_to_call_again(lonely, publish, fleet):
    api = publish()
    script = str(api.definition.script_id)
    learn(fleet, script, 10_000)
    for _ in range(SLOTS):
        queue.publish(Job(str(uuid.uuid4()), JobKind.SUBSCRIPT, script, 1, "run"), 60)
    answer = api.call(lonely.client)
    assert_error(answer, 7, detail=UNAVAILABLE)
    # Its callers wait two seconds.
    assert answer.headers["Retry-After"] in {"18", "19"}
