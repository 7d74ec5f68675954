"""Redis is wholly away: triggers get the error that they always got, and runs are recorded again afterwards."""

import time

from runs.models import Run
from testbed.stack import wait_until
from tests.endpoint.catalogue import assert_error

AWAY_SECONDS = 5
MOST_TRACEBACKS = 2


def test_runs_are_recorded_again_after_redis_was_away(breakable_stack, publish):
    stack, api = breakable_stack, publish()
    background = stack.start_background()

    def is_recorded() -> bool:
        """Whether a trigger succeeds, and the background program stores its run soon."""
        answer = api.call(stack.client)
        if answer.status_code != 200:
            return False
        wait_until(lambda: Run.objects.filter(pk=answer.headers["X-Trigger-Id"]).exists(), 60, "a stored run")
        return True

    try:
        assert is_recorded()
        logged, printed = len(stack.log_text("manager.log")), len(stack.log.read_text())
        stack.stop_redis()
        answers = [api.call(stack.client) for _ in range(5)]
        for answer in answers:
            assert_error(answer, 1006)
        time.sleep(AWAY_SECONDS)
        stack.redis = stack.start_redis()
        wait_until(is_recorded, 60, "a run after the outage")
        wait_until(lambda: refused(answers) == {1006}, 60, "the runs of refused triggers")
        told = stack.log_text("manager.log")[logged:] + stack.log.read_text()[printed:]
        assert told.count("Traceback") <= MOST_TRACEBACKS, told
    finally:
        background.terminate()
        background.wait(30)


def refused(answers) -> set[int | None]:
    """The error codes of the stored runs; empty until all are stored."""
    found = Run.objects.filter(pk__in=[answer.headers["X-Trigger-Id"] for answer in answers])
    codes = [run.error_code for run in found]
    return set(codes) if len(codes) == len(answers) else set()
