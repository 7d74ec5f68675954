"""What Redis tells about runs that go on: they appear with their log, and vanish with their node."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from fleet import current_runs, redis_keys
from testbed.stack import wait_until

TALKS = """
import os, time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    print("first")
    print("second")
    while not os.path.exists({go!r}):
        time.sleep(0.02)
    print("last")
    return ApiTriggerOutput(response_body=request.context.trigger_id)
"""
SECONDS = 20


class Talk:
    """A run that has printed two lines, and prints the last one when it is released."""

    def __init__(self, stack, publish, directory) -> None:
        self.stack, self.go = stack, directory / "go"
        self._api = publish(TALKS.format(go=str(self.go)))

    @contextmanager
    def going_on(self):
        """Yields the id of the run, and a client of the stack's Redis."""
        with ThreadPoolExecutor(1) as callers, self.stack.redis_client() as redis:
            # The node takes back what it has told half a second after the end of a run.
            wait_until(lambda: not redis.hlen(redis_keys.live_runs()), SECONDS, "the end of an earlier run")
            call = callers.submit(self._api.call, self.stack.client)
            try:
                wait_until(lambda: redis.hkeys(redis_keys.live_runs()), SECONDS, "a live run")
                yield redis.hkeys(redis_keys.live_runs())[0].decode(), redis
            finally:
                self.go.touch()
            call.result()


def texts(redis, run_id: str) -> list[str]:
    """The lines of a live log, without their times."""
    return [line.decode().partition("\t")[2] for line in redis.lrange(redis_keys.live_log(run_id), 0, -1)]


@pytest.fixture
def talk(stack, publish, kept) -> Talk:
    return Talk(stack, publish, kept)


@pytest.fixture
def breakable_talk(breakable_stack, publish, tmp_path) -> Talk:
    directory = breakable_stack.state_dir / tmp_path.name
    directory.mkdir(mode=0o700)
    return Talk(breakable_stack, publish, directory)


def test_log_of_a_run_can_be_followed_to_its_last_line(talk):
    with talk.going_on() as (run_id, redis):
        wait_until(lambda: texts(redis, run_id) == ["first", "second"], SECONDS, "both lines")
        (run,) = current_runs.look().running
        assert (run.id, run.status, run.script_version) == (run_id, "Running", 1)
        assert [line.partition("\t")[2] for line in current_runs.log_of(run_id, 1)] == ["second"]
    with talk.stack.redis_client() as redis:
        wait_until(lambda: texts(redis, run_id) == ["first", "second", "last"], SECONDS, "the last line")
        wait_until(lambda: not redis.hlen(redis_keys.live_runs()), SECONDS, "no live run")
        assert 0 < redis.ttl(redis_keys.live_log(run_id)) <= 60


@pytest.mark.parametrize("loss", ["restart", "flush"])
def test_redis_that_has_lost_everything_is_told_again(breakable_talk, loss):
    stack = breakable_talk.stack
    with breakable_talk.going_on() as (run_id, redis):
        wait_until(lambda: len(texts(redis, run_id)) == 2, SECONDS, "both lines")
        if loss == "restart":
            stack.stop_redis()
            stack.redis = stack.start_redis()
        else:
            redis.flushall()
        wait_until(lambda: redis.hexists(redis_keys.live_runs(), run_id), SECONDS, "the live run again")
        wait_until(lambda: texts(redis, run_id) == ["first", "second"], SECONDS, "both lines again")


def test_runs_of_a_killed_node_are_no_longer_shown(breakable_talk, monkeypatch):
    stack = breakable_talk.stack
    with breakable_talk.going_on() as (run_id, redis):
        monkeypatch.setattr(current_runs, "client", lambda: redis)
        monkeypatch.setattr("fleet.overview.client", lambda: redis)
        assert [run.id for run in current_runs.look().running] == [run_id]
        stack.worker.kill()
        stack.worker.wait()
        wait_until(lambda: not current_runs.look().running, SECONDS, "the end of the node's heartbeat")
        current_runs.forget_dead()
        assert not redis.exists(redis_keys.live_runs())
