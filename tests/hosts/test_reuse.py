"""Which runs share a process, and that the second one finds everything as the first did."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from hosts.jobs import Outcome
from hosts.warm import MAX_IDLE_SECONDS, WarmHosts
from tests.hosts.conftest import eventually, no_subscripts

PID = "import os\ndef run(engine): print(os.getpid())"


def pid(bench, source=PID, **fields) -> str:
    return str(bench.run(source, **fields).lines[-1])


def test_script_runs_in_the_same_process_again(bench):
    counting = "import os\nruns = []\ndef run(engine):\n runs.append(1)\n print(len(runs), os.getpid())"
    lines = [bench.run(counting).lines[0].split() for _ in range(3)]
    assert [count for count, _ in lines] == ["1", "2", "3"]
    assert len({number for _, number in lines}) == 1


@pytest.mark.parametrize("other", [{"name": "other"}, {"version": 2}, {"memory_limit_mb": 600}, {"source": PID + "\n"}])
def test_other_scripts_versions_and_limits_have_processes_of_their_own(bench, other):
    first = pid(bench)
    assert pid(bench, **other) != first
    assert pid(bench) == first


def test_fresh_is_a_new_process_for_every_run(bench):
    warm = pid(bench)
    pids = [pid(bench, reuse=False) for _ in range(3)]
    assert len({warm, *pids}) == 4
    assert eventually(lambda: not any(psutil.pid_exists(int(number)) for number in pids))


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("pass", ""),
        ("engine.exit_fail('no')", ""),
        ("subprocess.run(['true'])", ""),
        ("child = subprocess.Popen(['true']); os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)", ""),
        ("[t.start() or t.join() for t in [threading.Thread(target=print)]]", ""),
        ("builtins.added = os.added = json.added = 1", ""),
        ("1 / 0", "exception"),
        ("sys.exit(0)", "exception"),
        ("threading.Thread(target=time.sleep, args=(60,), daemon=True).start()", "thread was still running"),
        ("subprocess.Popen(['sleep', '60'])", "Processes that the script started"),
        ("os.open('/dev/null', 0)", "file or a connection"),
        ("os.close(0)", "standard stream"),
        ("os.dup2(0, 1)", "standard stream"),
        ("os.set_blocking(1, False)", "standard stream"),
        ("sys.stdout.close()", "standard stream"),
        ("builtins.print = len", "built-ins were replaced"),
        ("os.getcwd = len", "built-ins were replaced"),
        ("json.loads = len", "built-ins were replaced"),
        ("os.nice(1)", "priority"),
        ("os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})", "processors" * (len(os.sched_getaffinity(0)) > 1)),
        ("resource.setrlimit(resource.RLIMIT_NOFILE, (50, 100))", "limit"),
    ],
)
def test_process_is_reused_only_if_it_is_unchanged(bench, statement, reason):
    source = f"""
        import builtins, json, os, resource, subprocess, sys, threading, time
        say = print
        def run(engine):
            say(os.getpid(), flush=True)
            {statement}
        """
    first = bench.run(source)
    assert reason in first.result.not_kept_warm
    assert bool(reason) == bool(first.result.not_kept_warm)
    assert (bench.run(source).lines[0] == first.lines[0]) == (not reason)


TELLS = """
import os, locale, signal, sys, time, warnings, logging, subprocess
def state():
    handlers = [signal.getsignal(n) for n in (1, 2, 10, 13, 14, 15, 17)]
    umask = os.umask(0)
    os.umask(umask)
    listing = subprocess.run(["env"], capture_output=True, text=True).stdout
    return [
        sorted(set(os.environ) - {"HOME", "TMPDIR"}), os.environ["HOME"] == os.getcwd(), os.listdir(), umask,
        [str(h) for h in handlers], sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])), sys.gettrace(),
        locale.setlocale(locale.LC_ALL), sys.argv, time.tzname, len(warnings.filters), sys.getrecursionlimit(),
        sys.stdout is sys.__stdout__, signal.getitimer(signal.ITIMER_REAL), "LEFT" in listing,
        len(os.listdir("/proc/self/fd")),
    ]
def run(engine):
    print(os.getpid())
    print(state())
    import ctypes
    os.environ["LEFT"] = "mine"
    os.putenv("LEFT_BELOW", "mine")
    del os.environ["PATH"]
    os.environ = {}
    open("left", "w").close()
    os.chdir("/tmp")
    os.umask(0)
    for number in (1, 2, 10, 13, 15):
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, {10, 12})
    signal.setitimer(signal.ITIMER_REAL, 3600)
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    sys.argv.append("left")
    warnings.simplefilter("error")
    sys.setrecursionlimit(200)
    sys.stdout = None
    ctypes.CDLL(None).prctl(1, 0)
"""


def test_the_second_run_finds_what_the_first_found(bench):
    # A patch of `os` is undone, but the process is not reused. Here it has to be.
    source = TELLS.replace("    os.environ = {}\n", "")
    first, second = bench.run(source), bench.run(source)
    assert (first.outcome, second.outcome) == (Outcome.SUCCEEDED, Outcome.SUCCEEDED), first.result
    assert first.lines == second.lines
    assert bench.run(TELLS).lines[0] != bench.run(TELLS).lines[0]


def test_process_is_replaced_after_a_number_of_runs(bench, monkeypatch):
    monkeypatch.setattr("hosts.reuse.MAX_RUNS", 3)
    runs = [bench.run(PID) for _ in range(6)]
    pids = [ran.lines[0] for ran in runs]
    assert pids == [pids[0]] * 3 + [pids[3]] * 3
    assert pids[0] != pids[3]
    assert [ran.result.not_kept_warm for ran in runs] == ["", "", "It has served 3 runs."] * 2


def test_process_that_died_at_rest_is_not_used(bench):
    for _ in range(5):
        psutil.Process(int(pid(bench))).kill()
        assert bench.run(PID).outcome is Outcome.SUCCEEDED


def test_runs_at_the_same_time_have_processes_of_their_own(bench):
    everybody, pids = threading.Barrier(3, timeout=20), set()

    def note(line: str) -> None:
        pids.add(line)
        everybody.wait()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: bench.hosts.run(bench.assignment(PID, limit=30), note, no_subscripts), range(3)))
    assert len(pids) == 3
    assert pid(bench) in pids


def test_a_new_version_starts_while_the_old_one_finishes(bench):
    old = "import time\ndef run(engine):\n print('old')\n time.sleep(1)\n print('still old')"
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(bench.run, old)
        assert bench.run("def run(engine): print('new')", version=2).lines == ["new"]
        assert running.result().lines == ["old", "still old"]


def test_longest_unused_host_ends_when_there_are_too_many(bench):
    bench.hosts.warm = WarmHosts(most=2, most_bytes=2**40)
    first, second, third = (pid(bench, name=name) for name in "abc")
    assert eventually(lambda: not psutil.pid_exists(int(first)))
    assert pid(bench, name="b") == second
    pid(bench, name="a")
    assert eventually(lambda: not psutil.pid_exists(int(third)))
    assert len(bench.hosts.warm.resting()) == 2
    bench.hosts.warm.close()


def test_longest_unused_host_ends_when_hosts_take_too_much_memory(bench):
    bench.hosts.warm = WarmHosts(most=10, most_bytes=100 * 2**20)
    large = "import os\nkept = b'x' * (70 * 2**20)\ndef run(engine): print(os.getpid())"
    first, second = pid(bench, large, name="a"), pid(bench, large, name="b")
    assert eventually(lambda: not psutil.pid_exists(int(first)))
    assert psutil.pid_exists(int(second))
    bench.hosts.warm.close()
    assert eventually(lambda: not psutil.pid_exists(int(second)))


def test_host_that_rests_too_long_ends(bench):
    now = [0.0]
    bench.hosts.warm = WarmHosts(most=2, most_bytes=2**40, clock=lambda: now[0])
    resting = int(pid(bench))
    now[0] = MAX_IDLE_SECONDS - 1
    bench.hosts.warm.tidy()
    assert bench.hosts.warm.resting()
    now[0] = MAX_IDLE_SECONDS + 1
    bench.hosts.warm.tidy()
    assert eventually(lambda: not psutil.pid_exists(resting))
    assert pid(bench) != str(resting)
    bench.hosts.warm.close()


def test_no_host_rests_after_stop(bench):
    pids = [int(pid(bench, name=name)) for name in "abc"]
    bench.hosts.stop()
    assert not any(map(psutil.pid_exists, pids))


LEAVES = """
import builtins, json, os, sys
me = {name!r}
def run(engine):
    assert getattr(json, "trace", me) == getattr(builtins, "trace", me) == os.environ.get("TRACE", me) == me
    assert os.listdir() == [] and sys.path.count("/trace") == 0 and "trace_of_other" not in sys.modules
    json.trace = builtins.trace = os.environ["TRACE"] = me
    globals()["trace"] = sys.modules["trace_of_" + me] = me
    open("trace", "w").write(me)
"""


def test_scripts_never_see_traces_of_each_other(bench):
    threads = set(threading.enumerate())
    for number in range(1_000):
        name = ("one", "other")[number % 2]
        other = LEAVES.format(name=name).replace("trace_of_other", "trace_of_" + ("other", "one")[number % 2])
        ran = bench.run(other, name=name)
        assert ran.outcome is Outcome.SUCCEEDED, ran.result
    assert len(bench.hosts.warm.resting()) == 2
    assert not set(threading.enumerate()) - threads
