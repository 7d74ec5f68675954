"""Whatever a script does, its run ends in time and leaves nothing behind."""

import os
import threading
import time

import pytest

from hosts.jobs import Outcome
from testbed.processes import descriptors
from tests.hosts.conftest import DAEMON, eventually, lives


@pytest.mark.parametrize(
    ("ending", "says"),
    [
        ("os._exit(0)", "exit status 0"),
        ("os._exit(7)", "exit status 7"),
        ("os.abort()", "signal SIGABRT"),
        ("ctypes.string_at(0)", "signal SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "signal SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "signal SIGTERM"),
        ("os.execv('/bin/false', ['false'])", "exit status 1"),
    ],
)
@pytest.mark.parametrize("entry_point", ["run", "on_api_trigger"])
def test_a_process_that_ends_without_an_answer_has_died(bench, ending, says, entry_point):
    ran = bench.run(f"import ctypes, os, signal\ndef {entry_point}(engine, request=None): {ending}", entry_point)
    assert ran.outcome is Outcome.DIED
    assert says in ran.result.message
    assert ran.seconds < 30


@pytest.mark.parametrize(
    "body",
    [
        "[zero for zero in iter(int, 1) if zero]",
        "time.sleep(600)",
        "[signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; time.sleep(600)",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "stubborn()",
        "re.match('(a+)+$', 'a' * 64 + 'b')",
        "[os.fork() for _ in range(4)]; time.sleep(600)",
        "threading.Lock().__enter__() and threading.Event().wait()",
    ],
)
def test_the_time_limit_holds(bench, body):
    ran = bench.run(
        f"""
        import os, re, signal, threading, time

        def stubborn():
            while True:
                try:
                    while True: time.sleep(0.01)
                except BaseException:
                    pass

        def run(engine): {body}
        """,
        limit=1.5,
    )
    assert ran.outcome is Outcome.TIMED_OUT
    assert 1.5 <= ran.seconds < 30
    assert eventually(lambda: not bench.processes())


def test_time_limit_holds_while_memory_cannot_be_measured(bench, monkeypatch):
    def weigh(pid):
        time.sleep(6)
        return 0

    monkeypatch.setattr("hosts.tree.resident_bytes", lambda pid: 2**40)
    monkeypatch.setattr("hosts.tree.proportional_bytes", weigh)
    ran = bench.run("import time\ndef run(engine): time.sleep(600)", limit=1.5)
    assert ran.outcome is Outcome.TIMED_OUT
    assert ran.seconds < 30


def test_time_limit_covers_loading(bench):
    assert bench.run("while True: pass", limit=1.5).outcome is Outcome.TIMED_OUT


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        ("pass", Outcome.SUCCEEDED),
        ("1 / 0", Outcome.FAILED),
        ("os._exit(0)", Outcome.DIED),
        ("time.sleep(600)", Outcome.TIMED_OUT),
    ],
)
def test_background_processes_are_killed(bench, ending, outcome):
    ran = bench.run(
        f"""
        import os, subprocess, time
        def run(engine):
            print(subprocess.Popen(["sleep", "600"]).pid)
            print(subprocess.Popen(["sh", "-c", "trap '' TERM HUP; sleep 600 & sleep 600"]).pid)
            {ending}
        """,
        limit=3,
    )
    assert ran.outcome is outcome
    assert len(ran.lines) == 2
    assert eventually(lambda: not bench.processes())
    assert eventually(lambda: not any(lives(int(pid)) for pid in ran.lines))


@pytest.mark.parametrize("daemon", [True, False])
def test_running_thread_does_not_delay_the_answer(bench, daemon):
    ran = bench.trigger(
        f"""
        import threading, time
        def on_api_trigger(engine, request):
            threading.Thread(target=time.sleep, args=(60,), daemon={daemon}).start()
            return ApiTriggerOutput(200, "done")
        """
    )
    assert ran.result.output.body == b"done"
    assert ran.seconds < 30


def test_forked_child_that_returns_does_not_answer(bench):
    ran = bench.trigger(
        """
        import os
        def on_api_trigger(engine, request):
            if child := os.fork():
                os.waitpid(child, 0)
            return ApiTriggerOutput(200, "parent" if child else "child")
        """
    )
    assert ran.result.output.body == b"parent"


@pytest.mark.parametrize("renounced", [False, True])
@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        ("pass", Outcome.SUCCEEDED),
        ("1 / 0", Outcome.FAILED),
        ("os._exit(0)", Outcome.DIED),
        ("os.abort()", Outcome.DIED),
        ("time.sleep(600)", Outcome.TIMED_OUT),
    ],
)
def test_daemon_in_its_own_session_is_killed(bench, ending, outcome, renounced):
    # A script that turns off the adoption of orphans leaves them to the zygote.
    source = DAEMON.format(ending=ending)
    if renounced:
        source = source.replace("reader, writer", "__import__('ctypes').CDLL(None).prctl(36, 0)\n    reader, writer")
    ran = bench.run(source, limit=3)
    assert ran.outcome is outcome
    assert ran.seconds < 30
    assert eventually(lambda: not lives(int(ran.lines[0])))


def test_a_signal_to_the_workers_group_does_not_reach_a_run(bench):
    assert os.getpgid(bench.zygote().pid) != os.getpgrp()
    assert os.getsid(bench.zygote().pid) != os.getsid(0)


def test_stop_ends_all_runs(bench):
    stopping = threading.Timer(0.3, bench.hosts.stop)
    stopping.start()
    ran = bench.run("import time\ndef run(engine): time.sleep(600)", limit=60)
    stopping.join()
    assert ran.outcome is Outcome.DIED
    assert ran.seconds < 30
    assert bench.run("def run(engine): pass").outcome is Outcome.COULD_NOT_START


def test_a_raising_callback_ends_the_run(bench):
    def refuse(line):
        raise ConnectionError(line)

    with pytest.raises(ConnectionError, match="hello"):
        bench.hosts.run(bench.assignment("import time\ndef run(e):\n print('hello')\n time.sleep(600)"), refuse, None)
    assert eventually(lambda: not bench.processes())


def test_many_runs_leave_no_descriptor_behind(bench):
    def open_ones():
        return len(os.listdir("/proc/self/fd")), descriptors(bench.zygote())

    bench.run("def run(engine): pass")
    before = open_ones()
    for _ in range(10):
        bench.run("def run(engine): pass")
        bench.run("import os\ndef run(engine): os._exit(1)")
        bench.run("import time\ndef run(engine): time.sleep(9)", limit=0.05)
    assert eventually(lambda: open_ones() == before), (before, open_ones())


def test_time_limit_counts_from_the_call(bench):
    begun_at = time.monotonic()
    ran = bench.run("def run(engine):\n while True: pass", limit=0)
    assert ran.outcome in {Outcome.EXPIRED, Outcome.TIMED_OUT}
    assert time.monotonic() - begun_at < 30
