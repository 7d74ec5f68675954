"""A node that cannot begin scripts leaves the fleet until it can. Callers notice nothing."""

import resource
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from fleet.pool import concurrency_limit
from testbed.stack import Stack, wait_until
from tests.fleet.conftest import Held

MARK = """
import os, time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    file = os.open({file!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, request.context.trigger_id.encode() + b"\\n")
    time.sleep(0.02)
    return ApiTriggerOutput(response_body=request.context.trigger_id)
"""

CALL_WHEN_TOLD = """
import os, time
from automation.sdk import ApiTriggerOutput, SubscriptFailed

def on_api_trigger(engine, request):
    open({begun!r}, "w").close()
    while not os.path.exists({go!r}):
        time.sleep(0.02)
    try:
        engine.run_subscript("inner", wait=True)
    except SubscriptFailed as error:
        return ApiTriggerOutput(response_body=str(error))
"""

LARGE = "x" * 100_000


class FragileNode:
    """A worker node whose directory for scratch directories can be taken away."""

    def __init__(self, stack: Stack, directory: Path, number: int) -> None:
        self._stack, self._directory, self.number = stack, directory, number
        self._log_begins = len(stack.log_text("manager.log"))
        directory.mkdir()
        self.environment = {"TMPDIR": str(directory), "UDAPI_NODE_ID": str(number)}

    def lose_directory(self) -> None:
        """Replace the directory by a file, which stops even root."""
        (base,) = self._directory.glob("script-hosts-*")
        base.rename(self._directory / "aside")
        base.touch()

    def find_directory(self) -> None:
        (base,) = self._directory.glob("script-hosts-*")
        base.unlink()
        (self._directory / "aside").rename(base)

    def ended(self) -> int:
        """How many triggers it has run."""
        return self.told("code=200")

    def given_back(self) -> int:
        """How many triggers it has given back."""
        return sum("given back" in line and f"node={self.number}:" in line for line in self._log().splitlines())

    def told(self, words: str) -> int:
        """How often `manager.log` says `words` about the node."""
        return self._log().count(f"node={self.number} {words}")

    def _log(self) -> str:
        return self._stack.log_text("manager.log")[self._log_begins :]


class Marked:
    """An API whose runs leave marks. `call` triggers it several times at once."""

    def __init__(self, stack: Stack, publish, directory: Path) -> None:
        self._stack, self._marks = stack, directory / "marks"
        self.api = publish(MARK.format(file=str(self._marks)))
        self.answered: list[str] = []

    def call(self, times: int, **options) -> set[int]:
        """The status codes of the answers."""
        with ThreadPoolExecutor(2 * concurrency_limit()) as callers:
            calls = [callers.submit(self.api.call, self._stack.client, **options) for _ in range(times)]
            answers = [call.result() for call in calls]
        self.answered += [answer.text for answer in answers if answer.status_code == 200]
        return {answer.status_code for answer in answers}

    def each_ran_once(self) -> bool:
        return sorted(self._marks.read_text().split()) == sorted(self.answered)


@pytest.fixture
def kept_here(breakable_stack, tmp_path) -> Path:
    directory: Path = breakable_stack.state_dir / tmp_path.name
    directory.mkdir(mode=0o700)
    return directory


@pytest.fixture
def marked(breakable_stack, publish, kept_here) -> Marked:
    return Marked(breakable_stack, publish, kept_here)


@pytest.fixture
def fragile(breakable_stack, tmp_path) -> Iterator[list[FragileNode]]:
    """Two nodes, and no other."""
    nodes = [FragileNode(breakable_stack, tmp_path / f"scratch{number}", number) for number in (4_721, 4_722)]
    with ExitStack() as started:
        for node in nodes:
            started.enter_context(breakable_stack.another_worker(**node.environment))
        breakable_stack.stop_worker()
        wait_until(lambda: breakable_stack.nodes() == 2, what="two nodes")
        yield nodes


def test_a_job_that_one_node_cannot_begin_runs_once_on_another(breakable_stack, marked, fragile):
    broken, other = fragile
    wait_until(lambda: marked.call(20) == {200} and broken.ended() and other.ended(), what="runs on both nodes")
    broken.lose_directory()
    # Half of the jobs have a large body, with a key of its own in Redis.
    assert marked.call(60) == marked.call(60, content=LARGE, headers={"Content-Type": "text/plain"}) == {200}
    assert marked.each_ran_once()
    wait_until(lambda: breakable_stack.nodes() == 1, what="a node that has left")
    assert broken.told("leaves the fleet") == 1
    ran, given_back = broken.ended(), broken.given_back()
    assert given_back
    assert marked.call(40) == {200}
    assert (broken.ended(), broken.given_back()) == (ran, given_back), "it still takes triggers"

    broken.find_directory()
    # The longer it was away, the longer the pause before the next probe.
    wait_until(lambda: breakable_stack.nodes() == 2, what="a node that is back")
    assert broken.told("can begin scripts again") == 1
    wait_until(lambda: marked.call(20) == {200} and broken.ended() > ran, what="a run on that node")
    assert marked.each_ran_once()


def test_a_job_that_two_nodes_cannot_begin_never_started(breakable_stack, marked, fragile):
    for node in fragile:
        node.lose_directory()
    begun = time.monotonic()
    answer = marked.api.call(breakable_stack.client)
    assert time.monotonic() - begun < 20, "long before its caller gives up"
    error = answer.json()["errors"][0]
    assert (error["errorCode"], error["detail"]) == (
        1001,
        "The request was not started in time, it is safe to send it again.",
    )
    for node in fragile:
        node.find_directory()
    wait_until(lambda: breakable_stack.nodes() == 2, what="both nodes")
    assert marked.call(20) == {200}
    assert marked.each_ran_once()


@pytest.fixture
def lonely_node(breakable_stack, tmp_path) -> Iterator[FragileNode]:
    """The only node."""
    node = FragileNode(breakable_stack, tmp_path / "scratch", 4_723)
    with breakable_stack.another_worker(**node.environment):
        breakable_stack.stop_worker()
        wait_until(lambda: breakable_stack.nodes() == 1, what="one node")
        yield node


def test_only_node_when_unfit_finishes_running_jobs_and_keeps_others(breakable_stack, publish, kept_here, lonely_node):
    stack, begun, go = breakable_stack, kept_here / "begun", kept_here / "go"
    outer, api = publish(CALL_WHEN_TOLD.format(begun=str(begun), go=str(go))), publish()
    publish.script("def run(engine): pass", name="inner")
    with ThreadPoolExecutor(2) as callers, stack.redis_client() as redis:
        running = callers.submit(outer.call, stack.client)
        wait_until(begun.exists, what="a run")
        lonely_node.lose_directory()
        waiting = callers.submit(api.call, stack.client, content=LARGE, headers={"Content-Type": "text/plain"})
        wait_until(lambda: stack.nodes() == 0, what="no node")
        refused_at = time.monotonic()
        answer = api.call(stack.client)
        assert time.monotonic() - refused_at < 10, "at once, and not when its time is over"
        assert (answer.status_code, answer.json()["errors"][0]["errorCode"]) == (503, 7)
        # A consumer that reconnects stays without the queue.
        redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        go.touch()
        # The calling script has begun, so no other node runs the subscript.
        assert running.result().text.startswith("inner (version 1): No process could be started")
        assert not waiting.done()
        lonely_node.find_directory()
        assert waiting.result().text == LARGE
    # The answer may be here before the next heartbeat.
    wait_until(lambda: stack.nodes() == 1, what="a node that is back")
    # It takes as many jobs at once as before.
    go.unlink()
    with Held(stack, publish, kept_here).busy():
        pass


def test_a_node_that_cannot_begin_scripts_does_not_join(breakable_stack):
    # Its hosts get less memory than the limit of a script.
    few = 400 * 1024 * 1024
    process = breakable_stack.start_worker(UDAPI_NODE_ID="4724")
    resource.prlimit(process.pid, resource.RLIMIT_DATA, (few, few))
    assert process.wait(30) == 1
    assert "the worker node cannot start: No process could be started" in breakable_stack.log_text("manager.log")
    assert breakable_stack.nodes() == 1
