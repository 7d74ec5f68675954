"""Redis is killed under load: the runs that it takes along are counted, and later ones are recorded."""

from chaos.callers import CallerLoad, successes
from chaos.run_buffer import not_kept
from chaos.runs import stored_runs, succeeded
from testbed.stack import wait_until
from tests.runs.stored_at_once import store_at_once

KILLS, BETWEEN = 2, 40


def test_runs_lost_with_redis_are_counted_and_later_ones_are_recorded(breakable_stack, publish):
    stack, api = breakable_stack, publish()
    before, _ = not_kept()
    load = CallerLoad(stack.url, api, pause=0.02)
    with load.going_on(6):
        for number in range(KILLS + 1):
            wait_until(lambda: len(successes(load.answers)) >= BETWEEN * (number + 1), 60, "answers")  # noqa: B023
            if number < KILLS:
                stack.redis.kill()
                stack.redis.wait(10)
                stack.redis = stack.start_redis()
    last = api.call(stack.client).headers["X-Trigger-Id"]
    store_at_once(stack)
    lost = len(successes(load.answers)) - len(stored_runs(succeeded(load.answers)))
    counted, _ = not_kept()
    assert 0 < lost <= counted - before
    assert stored_runs([last])
