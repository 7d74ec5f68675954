"""`maxConcurrent`: an API has at most so many runs at once in the whole fleet, whatever becomes of its callers."""

import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest
from celery import current_app

from fleet import cancellation, current_runs, overview, queue, redis_keys
from fleet.answer import Reason
from fleet.cancellation import UnansweredError
from fleet.celery_message import QUEUE
from hosts.jobs import Job, JobKind, Origin, RunKind
from objects.changes import save_checked
from testbed.stack import wait_until
from tests.endpoint.catalogue import assert_error, code_of
from tests.endpoint.wire import Connection, head
from tests.fleet.conftest import Held

HEALED_WITHIN_SECONDS = 30
"""Ten seconds, and what a busy machine adds."""


def limit(api, most: int) -> None:
    api.definition.max_concurrent = most
    save_checked(api.definition, "system")


def claimed(redis) -> list[str]:
    """The ids of running triggers."""
    return [key.decode().rpartition(":")[2] for key in redis.keys(redis_keys.run("*"))]


def age(redis, api, job_id: str) -> None:
    """Have the job be counted for so long that only a trace of it keeps its place."""
    redis.zadd(redis_keys.active(str(api.definition.id)), {job_id: 1}, xx=True)


def running(redis, answer: Callable[[], object | None]) -> str:
    """The id of the only running trigger; fails with the `answer` of its caller if there is one before it runs."""

    def is_claimed() -> bool:
        told = answer()
        assert told is None, f"answered before it ran: {told}"
        return bool(claimed(redis))

    wait_until(is_claimed, what="a running script")
    (job_id,) = claimed(redis)
    return job_id


def answer_of(call: "Future[httpx.Response]") -> Callable[[], str | None]:
    """What `running` wants of a call in another thread."""
    return lambda: call.result().text if call.done() else None


def is_named(redis, job_id: str) -> bool:
    """Whether a heartbeat says that the job runs."""
    # A heartbeat may expire after its key was found.
    return any(job_id.encode() in (redis.get(key) or b"") for key in redis.keys(redis_keys.node("*")))


@pytest.fixture
def limited(held: Held) -> Held:
    """`held`, two of whose runs may go on at once."""
    limit(held.api, 2)
    return held


@pytest.fixture
def lone(breakable_stack, publish, tmp_path):
    """An API of the breakable stack, one of whose runs may go on at once."""
    directory = breakable_stack.state_dir / tmp_path.name
    directory.mkdir(mode=0o700)
    held = Held(breakable_stack, publish, directory)
    limit(held.api, 1)
    return held


def test_two_of_ten_callers_run_and_the_others_are_refused_at_once(limited, publish):
    other, other_limited = publish(), publish()
    limit(other_limited, 1)
    with ThreadPoolExecutor(10) as callers:
        calls = [callers.submit(limited.call) for _ in range(10)]
        wait_until(lambda: sum(call.done() for call in calls) == 8, what="eight refusals while two run")
        for refused in [call.result() for call in calls if call.done()]:
            assert_error(refused, 2008)
        assert not limited.runs()
        for each in (other, other_limited):
            assert each.call(limited.stack.client).status_code == 200
        limited.go.touch()
        assert sorted(call.result().status_code for call in calls) == [200] * 2 + [503] * 8
    assert len(limited.runs()) == 2
    assert [limited.call().status_code for _ in range(3)] == [200] * 3


def test_caller_that_hangs_up_keeps_its_place_until_the_script_ends(limited):
    limit(limited.api, 1)
    with limited.stack.redis_client() as redis:
        with Connection(limited.stack.url) as connection:
            connection.send(head("GET", limited.api.path, *limited.api.headers.items()))
            job_id = running(redis, connection.early_answer)
        wait_until(lambda: not claimed(redis), what="a claim that is given up")
        wait_until(lambda: is_named(redis, job_id), what="a heartbeat that names the job")
        age(redis, limited.api, job_id)
        assert_error(limited.call(), 2008)
        limited.go.touch()
    wait_until(lambda: limited.call().status_code == 200, what="the place of a script that has ended")


def test_node_that_leaves_keeps_its_runs_known_and_their_places_taken(limited):
    limit(limited.api, 1)
    stack = limited.stack
    (leaving,) = [living.node.worker for living in overview.look().nodes]
    with ThreadPoolExecutor(1) as callers, stack.redis_client() as redis:
        call = callers.submit(limited.call)
        job_id = running(redis, answer_of(call))
        with stack.another_worker():
            current_app.control.cancel_consumer(QUEUE, destination=[leaving], reply=True, timeout=20, limit=1)
            try:
                wait_until(lambda: stack.nodes() == 1, what="a node that has left")
                age(redis, limited.api, job_id)
                assert_error(limited.call(), 2008)
                wait_until(lambda: job_id in {run.id for run in current_runs.look().running}, what="the run")
                current_runs.forget_dead()
                assert job_id in {run.id for run in current_runs.look().running}
            finally:
                limited.go.touch()
                current_app.control.add_consumer(QUEUE, destination=[leaving], reply=True, timeout=20, limit=1)
                # The other node ends now: without this one, the next test would be refused.
                wait_until(lambda: stack.nodes() == 2, what="the node again")
            assert call.result().status_code == 200


def job(definition_id: str) -> Job:
    """A job that tries the node, of a definition with room for one."""
    origin = Origin(RunKind.TRIGGER, definition_id=definition_id, max_concurrent=1)
    return Job(str(uuid.uuid4()), JobKind.PROBE, str(uuid.UUID(int=0)), 1, "run", origin=origin)


def test_cancelled_and_expired_jobs_free_their_places(stack, held):
    definition = str(uuid.uuid4())
    first, second, third = (job(definition) for _ in range(3))
    with held.busy() as callers, stack.redis_client() as redis:
        asked = callers.submit(queue.ask, first, 60)
        wait_until(lambda: redis.exists(redis_keys.ticket(first.id)), what="a job that waits")
        with pytest.raises(queue.TooManyRunsError):
            queue.ask(second, 60)
        assert cancellation.cancel_waiting(first.id, "jane")
        assert asked.result(timeout=60).reason == Reason.CANCELLED
        with pytest.raises(UnansweredError) as expired:
            queue.ask(second, 0.5)
        assert not expired.value.may_have_run
        asked = callers.submit(queue.ask, third, 60)
        wait_until(lambda: redis.exists(redis_keys.ticket(third.id)), what="a job in the freed place")
    assert asked.result(timeout=60).reason is None


def test_place_of_a_killed_node_is_free_again(lone):
    stack = lone.stack
    with ThreadPoolExecutor(1) as callers, stack.redis_client() as redis:
        call = callers.submit(lone.call)
        running(redis, answer_of(call))
        stack.worker.kill()
        stack.worker.wait()
        stack.worker = stack.start_worker()
        assert code_of(call.result()) == 1001
        lone.go.touch()
        begun = time.monotonic()
        wait_until(lambda: lone.call().status_code == 200, HEALED_WITHIN_SECONDS, "a free place")
        assert time.monotonic() - begun < HEALED_WITHIN_SECONDS


def test_redis_restart_frees_all_places(lone):
    stack = lone.stack
    with ThreadPoolExecutor(2) as callers, stack.redis_client() as redis:
        call = callers.submit(lone.call)
        running(redis, answer_of(call))
        assert_error(lone.call(), 2008)
        stack.stop_redis()
        stack.redis = stack.start_redis()
        lone.go.touch()
        wait_until(lambda: lone.call().status_code == 200, HEALED_WITHIN_SECONDS, "a free place")
        call.result()
    lone.go.unlink()
    with ThreadPoolExecutor(2) as callers, stack.redis_client() as redis:
        call = callers.submit(lone.call)
        running(redis, answer_of(call))
        assert_error(lone.call(), 2008)
        lone.go.touch()
        assert call.result().status_code == 200
