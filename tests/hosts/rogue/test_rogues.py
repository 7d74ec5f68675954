"""Each rogue ends as it should and in time, leaves nothing behind, and does not affect its neighbours."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from hosts.jobs import HostResult, Outcome
from hosts.script_hosts import ScriptHosts
from tests.hosts.conftest import Bench, eventually
from tests.hosts.rogue.collection import ROGUES, Rogue

GOOD = """
import os
from automation.sdk import ApiTriggerOutput
def on_api_trigger(engine, request):
    open("file", "w").write(request.raw_body)
    return ApiTriggerOutput(response_body=request.raw_body + os.environ["LANG"])
"""


# How long after its time limit the result of a run may come, even on a busy machine.
MORE_SECONDS = 2.0


def seconds_without_processor() -> float:
    """How long this thread was ready to run but had no processor, as the kernel counts it."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


class Neighbours:
    """Four well-behaved scripts that are called all the time."""

    def __init__(self, bench: Bench) -> None:
        self._bench, self._over = bench, threading.Event()
        self.calls = 0
        self.wrong: list[HostResult] = []
        self._threads = [threading.Thread(target=self._call, args=(f"good {n}",)) for n in range(4)]
        for thread in self._threads:
            thread.start()

    def _call(self, name: str) -> None:
        while not self._over.wait(0.02):
            ran = self._bench.run(GOOD, "on_api_trigger", name=name, body=name.encode(), limit=30)
            self.calls += 1
            output = ran.result.output
            if output is None or output.body != f"{name}C.UTF-8".encode():
                self.wrong.append(ran.result)

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Iterator[Bench]:
    directory = tmp_path_factory.mktemp("rogues")
    hosts = ScriptHosts(directory)
    hosts.start()
    yield Bench(hosts, str(directory))
    hosts.stop()


@pytest.fixture(scope="module")
def neighbours(bench):
    neighbours = Neighbours(bench)
    yield neighbours
    neighbours.end()


def below(process: psutil.Process) -> set[int]:
    return {child.pid for child in process.children(recursive=True) if _lives(child)}


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("rogue", ROGUES, ids=lambda rogue: rogue.name)
def test_a_rogue_harms_itself_only(bench, neighbours, rogue: Rogue):
    calls, waited = neighbours.calls, seconds_without_processor()
    ran = bench.run(rogue.source, "on_api_trigger", limit=rogue.limit, name="rogue", **rogue.fields)
    waited = seconds_without_processor() - waited
    if not (rogue.or_raises and rogue.or_raises in ran.result.message):
        assert ran.outcome is rogue.outcome, ran
        assert rogue.says in ran.result.message
    assert rogue.shows in ran.result.traceback
    assert ran.lines[-1:] == [rogue.last_line] or not rogue.last_line
    assert ran.seconds - waited < rogue.limit + MORE_SECONDS
    if rogue.outcome is Outcome.RETURNED:
        assert ran.result.output.body == b"fine"
    hosts = {host.pid for host in bench.hosts.warm.resting()}
    # Four neighbours, each at rest or in a run, and the rogues that may rest.
    assert eventually(lambda: len(below(bench.zygote()) - hosts) <= 4)
    assert eventually(lambda: neighbours.calls > calls + 4, 60)
    assert neighbours.wrong == []


BOMB = """
import os
def run(engine):
    while True:
        try: os.fork()
        except OSError: pass
"""


@pytest.mark.root_too
def test_fork_bomb_of_an_ordinary_user_is_ended(tmp_path):
    """If the tests run as root, the bomb runs as `nobody`: the kernel does not limit root's processes."""
    hosts = ScriptHosts(user="nobody" if os.geteuid() == 0 else "")
    hosts.start()
    bench = Bench(hosts, str(tmp_path))
    neighbours = Neighbours(bench)
    try:
        waited = seconds_without_processor()
        ran = bench.run(BOMB, limit=5, name="bomb")
        waited = seconds_without_processor() - waited
        # Which limit is noticed first depends on the processor time that the bomb leaves.
        assert ran.outcome in {Outcome.OVER_LIMIT, Outcome.TIMED_OUT}, ran
        assert ran.seconds - waited < 5 + MORE_SECONDS
        calls = neighbours.calls
        assert eventually(lambda: neighbours.calls > calls + 4, 60)
        assert neighbours.wrong == []
        assert eventually(lambda: len(below(bench.zygote())) <= 5, 60)
    finally:
        neighbours.end()
        hosts.stop()


def test_a_time_limit_is_kept_while_others_are_killed(bench):
    waited = seconds_without_processor()
    ran = bench.run("while True: pass", limit=1.5)
    waited = seconds_without_processor() - waited
    assert (ran.outcome, ran.seconds - waited < 1.5 + MORE_SECONDS) == (Outcome.TIMED_OUT, True)
