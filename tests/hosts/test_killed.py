"""If worker, keeper or zygote is killed, everything below it ends, and the next run works."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from hosts.jobs import Outcome
from tests.hosts.conftest import DAEMON, eventually, lives, processes_in

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("stopped", [["zygote"], ["zygote", "keeper"]])
def test_stopped_zygote_continues(bench, stopped):
    for name in stopped:
        getattr(bench, name)().suspend()
    ran = bench.run("def run(engine): print('fine')")
    assert (ran.outcome, ran.lines) == (Outcome.SUCCEEDED, ["fine"])


def test_a_zygote_that_does_nothing_is_replaced(bench, monkeypatch):
    monkeypatch.setattr("hosts.run.START_SECONDS", 2)
    monkeypatch.setattr("hosts.zygote_process._STOP_TIMEOUT_SECONDS", 0.5)
    zygote = bench.hosts._zygote
    monkeypatch.setattr(zygote, "wake", lambda: None)
    bench.zygote().suspend()
    ran = bench.run("def run(engine): print('fine')")
    assert (ran.outcome, ran.lines) == (Outcome.SUCCEEDED, ["fine"])
    assert not zygote.alive()


def test_replacing_a_zygote_does_not_affect_the_next_one(bench):
    bench.hosts._discard(bench.hosts._zygote)
    assert bench.run("def run(engine): pass").outcome is Outcome.SUCCEEDED


def test_after_the_zygote_was_killed_the_next_run_works(bench):
    zygote = bench.zygote()
    zygote.kill()
    ran = bench.run("def run(engine): print('fine')")
    assert (ran.outcome, ran.lines) == (Outcome.SUCCEEDED, ["fine"])
    assert bench.zygote().pid != zygote.pid


def test_a_request_to_a_zygote_that_is_just_dying_goes_to_a_new_one(bench, monkeypatch):
    zygote = bench.hosts._zygote
    bench.zygote().kill()
    psutil.Process(zygote.pid).wait()
    monkeypatch.setattr(zygote, "alive", lambda: True)
    assert bench.run("def run(engine): pass").outcome is Outcome.SUCCEEDED


def test_a_running_script_dies_with_the_zygote(bench):
    zygote = bench.zygote()

    def kill_when_it_runs():
        assert eventually(lambda: any(process.name() == "sleep" for process in bench.processes()))
        zygote.kill()

    threading.Thread(target=kill_when_it_runs).start()
    ran = bench.run(
        """
        import subprocess, time
        def run(engine):
            subprocess.Popen(["sleep", "600"])
            time.sleep(600)
        """
    )
    assert ran.outcome is Outcome.DIED
    assert ran.seconds < 30
    assert eventually(lambda: not bench.processes())
    assert bench.run("def run(engine): pass").outcome is Outcome.SUCCEEDED


WORKER = """
import sys, threading
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from hosts.script_hosts import ScriptHosts
from hosts.jobs import Assignment, Job, JobKind, Script
hosts = ScriptHosts(Path(sys.argv[2]))
hosts.start()
def tell(line):
    # One call, so that the lines of two threads do not mix.
    sys.stdout.write(line + "\\n")
    sys.stdout.flush()
source = '''
import signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def run(engine):
    subprocess.Popen(["sleep", "600"])
    print("up")
    while True: time.sleep(1)
'''
assignment = Assignment(Job("t", JobKind.PROBE, "", 1, "run"), Script("", "s", 1, source), 600)
for _ in range(2):
    threading.Thread(target=hosts.run, args=(assignment, tell, None)).start()
"""


DAEMON_WORKER = """
script = Script("", "s", 1, sys.argv[3])
hosts.run(Assignment(Job("t", JobKind.PROBE, "", 1, "run"), script, 600), tell, None)
"""


@contextmanager
def running(*command: str) -> Iterator["subprocess.Popen[str]"]:
    """A worker that is killed at the end."""
    with subprocess.Popen([sys.executable, "-c", *command], stdout=subprocess.PIPE, text=True) as worker:
        try:
            yield worker
        finally:
            worker.kill()


def family(worker) -> list[psutil.Process]:
    """The worker, its keeper, its zygote."""
    (keeper,) = psutil.Process(worker.pid).children()
    (zygote,) = keeper.children()
    return [psutil.Process(worker.pid), keeper, zygote]


def test_when_the_worker_dies_nothing_is_left(tmp_path):
    with running(WORKER, str(PROJECT), str(tmp_path)) as worker:
        assert worker.stdout
        assert [worker.stdout.readline(), worker.stdout.readline()] == ["up\n", "up\n"]
        _, keeper, zygote = family(worker)
        assert len(processes_in(tmp_path)) == 4
        worker.kill()
    assert eventually(lambda: not processes_in(tmp_path))
    assert eventually(lambda: not zygote.is_running() and not keeper.is_running())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("killed", ["worker", "keeper", "zygote", "worker and zygote", "worker and keeper"])
def test_daemons_end_with_whichever_process_is_killed(tmp_path, killed):
    daemon = DAEMON.format(ending="time.sleep(600)")
    program = WORKER.partition("source =")[0] + DAEMON_WORKER
    with running(program, str(PROJECT), str(tmp_path), daemon) as worker:
        assert worker.stdout
        pid = int(worker.stdout.readline())
        assert lives(pid)
        everybody = dict(zip(["worker", "keeper", "zygote"], family(worker), strict=True))
        victims = [everybody[name] for name in killed.split(" and ")]
        # Practically at the same moment: a stopped process does not notice the end of another one.
        for deed in (psutil.Process.suspend, psutil.Process.kill):
            for victim in victims:
                deed(victim)
        assert eventually(lambda: not lives(pid))
        worker.kill()
    assert eventually(lambda: not any(process.is_running() for process in everybody.values()))
    if "worker" in killed:
        assert not list(tmp_path.iterdir())


def test_a_script_outlives_neither_worker_nor_zygote_when_both_die_at_once(tmp_path):
    command = [sys.executable, "-c", WORKER.replace("subprocess.Popen", "str"), str(PROJECT), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout
        assert [worker.stdout.readline(), worker.stdout.readline()] == ["up\n", "up\n"]
        zygote = family(worker)[-1]
        assert len(processes_in(tmp_path)) == 2
        worker.send_signal(signal.SIGSTOP)
        zygote.kill()
        worker.kill()
    assert eventually(lambda: not processes_in(tmp_path))
