"""A bench for scripts: script hosts for one test, which must leave no process and no file behind."""

import os
import textwrap
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil
import pytest

from hosts.jobs import Assignment, Call, HostResult, Job, JobKind, Outcome, Script, SubscriptAnswer
from hosts.script_hosts import ScriptHosts

CALL = Call("Post", "encoders/7", "the-token", [("a", "1"), ("a", ""), ("b", "2")], {"id": "7"})


# Prints the id of a daemon: a process in a session of its own, whose parents have ended.
DAEMON = """
import os, time
def run(engine):
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.chdir("/")
            os.write(writer, b"%d\\n" % os.getpid())
            time.sleep(600)
        os._exit(0)
    print(int(os.read(reader, 20)), flush=True)
    os.close(reader)
    os.close(writer)
    {ending}
"""


def no_subscripts(name, parameters, wait, remaining_seconds, watch):
    return SubscriptAnswer(ok=False, message=f"no script {name}")


def eventually(condition: Callable[[], object], seconds: float = 60) -> bool:
    last_moment = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < last_moment:
        time.sleep(0.01)
    return bool(met)


def processes_in(directory) -> list[psutil.Process]:
    """The living processes whose working directory, even a deleted one, is below `directory`."""
    found = []
    for pid in psutil.pids():
        # A zombie has no directory, and those of other accounts are closed.
        with suppress(OSError, psutil.Error):
            if os.readlink(f"/proc/{pid}/cwd").startswith(str(directory)):
                found.append(psutil.Process(pid))
    return found


def alive_below(parent: psutil.Process) -> list[psutil.Process]:
    """The living children; none if the parent is gone."""
    try:
        return [child for child in parent.children() if child.status() != psutil.STATUS_ZOMBIE]
    except psutil.NoSuchProcess:
        return []


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@dataclass
class Ran:
    result: HostResult
    lines: list[str]
    seconds: float

    @property
    def outcome(self) -> Outcome:
        return self.result.outcome


@dataclass
class Bench:
    hosts: ScriptHosts
    scratch_parent: str

    def assignment(
        self,
        source: str,
        entry_point="run",
        *,
        limit: float = 60,
        depth=0,
        parameters=None,
        call=CALL,
        body=b"",
        name="probe",
        version=1,
        **terms,
    ) -> Assignment:
        script = Script("the-script", name, version, textwrap.dedent(source), **terms)
        job = Job("the-trigger", JobKind.TRIGGER, script.id, version, entry_point, parameters or {}, name, call, body)
        return Assignment(job, script, limit, depth)

    def run(self, source: str, entry_point="run", *, on_subscript=no_subscripts, **fields) -> Ran:
        lines: list[str] = []
        begun_at = time.monotonic()
        result = self.hosts.run(self.assignment(source, entry_point, **fields), lines.append, on_subscript)
        return Ran(result, lines, time.monotonic() - begun_at)

    def trigger(self, source: str, **fields) -> Ran:
        return self.run("from automation.sdk import *\n" + textwrap.dedent(source), "on_api_trigger", **fields)

    def processes(self) -> list[psutil.Process]:
        return processes_in(self.scratch_parent)

    def keeper(self) -> psutil.Process:
        # There is none while a new one replaces it.
        assert eventually(lambda: self.hosts._zygote)
        with self.hosts._lock:
            assert self.hosts._zygote
            return psutil.Process(self.hosts._zygote.pid)

    def zygote(self) -> psutil.Process:
        # There is none while its keeper cleans up after one that was killed.
        found: list[psutil.Process] = []

        def is_there() -> bool:
            found[:] = alive_below(self.keeper())
            return bool(found)

        assert eventually(is_there)
        return found[0]

    def keeper_and_zygote(self) -> list[psutil.Process]:
        """An empty list if they have died, which only the next run notices."""
        with suppress(psutil.NoSuchProcess):
            return [self.keeper(), self.zygote()]
        return []


@pytest.fixture
def bench(tmp_path):
    hosts = ScriptHosts(tmp_path)
    hosts.start()
    bench = Bench(hosts, str(tmp_path))
    zygotes = [bench.keeper(), bench.zygote()]
    yield bench
    if hosts._zygote:
        zygotes += bench.keeper_and_zygote()
    hosts.stop()
    assert not any(zygote.is_running() for zygote in zygotes)
    assert eventually(lambda: not bench.processes()), bench.processes()
    assert not list(tmp_path.iterdir())
