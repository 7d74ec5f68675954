"""A node's heartbeat: what it says, and that it continues after errors."""

import socket
import threading
import time
import tomllib

import pytest

from fleet import overview, redis_keys
from fleet.heartbeat import Heartbeat
from fleet.pool import concurrency_limit
from foundation import __version__
from testbed.stack import ROOT, wait_until


def test_heartbeat_names_running_jobs_release_and_whether_the_queue_is_read(held):
    with held.busy(), held.stack.redis_client() as redis:
        running = {key.decode().rpartition(":")[2] for key in redis.keys(redis_keys.run("*"))}
        # The last heartbeat may be from a test before.
        wait_until(lambda: [set(node.jobs) for node in overview.nodes()] == [running], what="these jobs in a heartbeat")
        (state,) = overview.nodes()
    assert set(held.runs()) == running
    assert (state.version, state.is_consuming, state.limit) == (__version__, True, concurrency_limit())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_heartbeat_starts_again_after_an_error_and_logs_it(stack, monkeypatch, caplog):
    beating = Heartbeat(4_712, 4, "2026-01-31T00:00:00Z")
    told = threading.Event()

    def fail() -> str:
        told.set()
        raise OSError("no name")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "gethostname", fail)
        beating.tick()
        assert told.wait(10)
        wait_until(lambda: not (beating._thread and beating._thread.is_alive()), what="the end of the thread")
    assert "the heartbeat failed" in caplog.text and "no name" in caplog.text
    beating.tick()
    wait_until(lambda: 4_712 in [node.id for node in overview.nodes()], what="the next beat")
    thread = beating._thread
    beating.tick()
    assert beating._thread is thread, "a living thread is left alone"
    beating.leave()
    assert 4_712 not in [node.id for node in overview.nodes()]
    beating.stop()


def test_version_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__


def test_node_whose_loop_does_not_tick_says_that_it_reads_no_queue(monkeypatch):
    beating = Heartbeat(4_713, 4, "2026-01-31T00:00:00Z")
    beating._ticked_at = time.monotonic()
    assert beating._state(()).is_consuming
    beating._ticked_at -= 60
    assert not beating._state(()).is_consuming
