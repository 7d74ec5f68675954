"""A worker node that shuts down finishes its running jobs and leaves waiting ones to other nodes."""

import signal
from concurrent.futures import ThreadPoolExecutor

from chaos.callers import call
from chaos.marks import Marks
from fleet import redis_keys
from fleet.pool import concurrency_limit
from testbed.stack import wait_until


def test_node_that_shuts_down_finishes_running_jobs_and_leaves_waiting_ones(breakable_stack, publish):
    stack = breakable_stack
    with Marks(stack.state_dir) as marks, ThreadPoolExecutor(20) as callers:
        api = publish(marks.source)
        running = [callers.submit(call, stack.url, api, f"runs-{n}", "?seconds=5") for n in range(concurrency_limit())]
        wait_until(lambda: len(marks.runs()) == concurrency_limit(), what="triggers that run")
        waiting = [callers.submit(call, stack.url, api, f"waits-{n}") for n in range(5)]
        with stack.redis_client() as redis:
            wait_until(lambda: len(redis.keys(redis_keys.ticket("*"))) == len(waiting), what="triggers that wait")
        stack.worker.send_signal(signal.SIGTERM)
        wait_until(lambda: stack.nodes() == 0, what="the node leaves the fleet")
        assert call(stack.url, api, "new").result == "503 code 7"
        first = stack.worker
        stack.worker = stack.start_worker()
        assert {future.result().result for future in running + waiting} == {"200"}
        first.wait(30)
        assert not marks.twice()
        assert first.returncode == 0
