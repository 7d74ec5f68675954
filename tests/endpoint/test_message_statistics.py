"""The trigger message: the statistics of a trigger."""

import time

from endpoint.trigger_message import trigger
from fleet import claims, queue, redis_keys
from hosts.jobs import Job, JobKind
from testbed.stack import wait_until
from tests.endpoint.fakenode import INSTANCE
from tests.endpoint.messages import RAISES, SLEEPS, to
from tests.fleet.conftest import Held


def test_the_statistics_of_a_success(stack, publish, worker_node):
    answer = trigger(to(publish(SLEEPS), raw_body="0.25")).as_json()
    statistics = answer["statistics"]
    names = {"queueMilliseconds", "runMilliseconds", "totalMilliseconds", "requestBytes", "responseBytes"}
    assert set(statistics) == names | {"node", "triggerId"}
    assert statistics["node"] == worker_node
    assert (statistics["requestBytes"], statistics["responseBytes"]) == (4, 4)
    assert 250 <= statistics["runMilliseconds"] < statistics["totalMilliseconds"] < 20_000
    assert 0 <= statistics["queueMilliseconds"] < statistics["totalMilliseconds"]


def test_sizes_are_in_bytes(stack, publish):
    statistics = trigger(to(publish(), raw_body="ü")).statistics
    assert (statistics.request_bytes, statistics.response_bytes) == (2, 2)


def test_a_failed_run_has_its_times_too(stack, publish, worker_node):
    statistics = trigger(to(publish(RAISES))).statistics
    assert statistics.node == worker_node
    assert statistics.run_milliseconds is not None
    assert statistics.queue_milliseconds is not None


def test_what_never_ran_has_neither_times_nor_node(stack, publish):
    statistics = trigger(to(publish(), secret="", raw_body="four")).as_json()["statistics"]
    assert (statistics["queueMilliseconds"], statistics["runMilliseconds"], statistics["node"]) == (None, None, None)
    assert (statistics["requestBytes"], statistics["responseBytes"]) == (4, 0)
    assert statistics["totalMilliseconds"] > 0


def test_the_time_in_the_queue_is_by_the_clock_of_redis(lonely, fake_node):
    fake_node.live()
    queue.publish(Job("job", JobKind.PROBE, "", 1, "run"), 10)
    time.sleep(0.3)
    claim = claims.claim("job", INSTANCE)
    assert claim is not None
    assert 300 <= claim.milliseconds_waited < 5_000
    assert 5_000 < claim.milliseconds_left <= 9_700


def test_the_time_in_the_queue_is_measured(stack, publish, kept):
    api = publish()
    with Held(stack, publish, kept).busy() as callers, stack.redis_client() as redis:
        triggered = callers.submit(trigger, to(api))
        wait_until(lambda: redis.keys(redis_keys.ticket("*")), what="a trigger that waits")
        time.sleep(0.3)
    statistics = triggered.result().statistics
    assert 300 <= (statistics.queue_milliseconds or 0) < 20_000
    assert (statistics.queue_milliseconds or 0) < statistics.total_milliseconds
