"""Another thread cancels a run: exactly that one ends, at once, and leaves nothing behind."""

import os
import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from hosts.cancel_signal import CancelSignal
from hosts.jobs import HostResult, Outcome, SubscriptAnswer
from hosts.run import START_SECONDS
from hosts.run_loop import RunLoop
from hosts.script_hosts import NoHostError
from tests.hosts.conftest import DAEMON, Bench, eventually, lives, no_subscripts

COUNT = "count = 0\ndef run(engine):\n    global count\n    count += 1\n    print(count)"
HANG = "import time\ndef run(engine):\n    print('begun')\n    time.sleep(600)"


class Cancellable:
    """Runs scripts in this thread, with one signal for all of them. Runs are called as their scripts are."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.subscripts: dict[str, str] = {}
        self.signal = CancelSignal()
        self.lines: list[str] = []
        self.results: dict[str, HostResult] = {}

    def run(self, source, run_id="it", loop=None, **fields) -> HostResult:
        assignment = replace(self.bench.assignment(source, **fields), run_id=run_id)
        loop = loop or RunLoop(self.signal)
        result = self.results[run_id] = self.bench.hosts.run(assignment, self.on_line, self.on_subscript, loop)
        return result

    def on_line(self, line):
        self.lines.append(line)

    def on_subscript(self, name, parameters, wait, remaining, loop):
        result = self.run(self.subscripts[name], name, loop, limit=remaining, name=name)
        return SubscriptAnswer(result.outcome is Outcome.SUCCEEDED, message=result.message)

    def cancel_at(self, count: int, run_id: str) -> Future[float]:
        """Cancel `run_id` in another thread as soon as so many lines are printed; the result is when that was."""
        return ThreadPoolExecutor(1).submit(self._cancel_at, count, run_id)

    def _cancel_at(self, count, run_id):
        assert eventually(lambda: len(self.lines) >= count)
        assert self.signal.cancel(run_id)
        return time.monotonic()


@pytest.fixture
def cancellable(bench):
    cancellable = Cancellable(bench)
    with cancellable.signal:
        yield cancellable


STUBBORN = """
import os, re, signal, threading, time

def stubborn():
    while True:
        try:
            while True: time.sleep(0.01)
        except BaseException:
            pass

def run(engine):
    print("begun")
    {body}
"""


@pytest.mark.parametrize(
    "body",
    [
        "time.sleep(600)",
        "[zero for zero in iter(int, 1) if zero]",
        "[signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; stubborn()",
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); time.sleep(600)",
        "re.match('(a+)+$', 'a' * 64 + 'b')",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "[os.fork() for _ in range(4)]; stubborn()",
    ],
)
def test_cancelled_script_ends_at_once(cancellable, body):
    cancelled = cancellable.cancel_at(1, "it")
    result = cancellable.run(STUBBORN.format(body=body), limit=30)
    assert time.monotonic() - cancelled.result() < 30
    assert (result.outcome, result.message) == (Outcome.CANCELLED, "The run was cancelled.")
    assert result.not_kept_warm == "The process was killed: the run was cancelled."
    assert eventually(lambda: not cancellable.bench.processes())
    assert not cancellable.signal.cancel("it")


def test_daemons_of_a_cancelled_script_end(cancellable):
    cancelled = cancellable.cancel_at(1, "it")
    assert cancellable.run(DAEMON.format(ending="time.sleep(600)"), limit=30).outcome is Outcome.CANCELLED
    assert time.monotonic() - cancelled.result() < 30
    assert eventually(lambda: not lives(int(cancellable.lines[0])))


CATCHES = """
from automation.sdk import SubscriptFailed
def run(engine):
    print("outer")
    try:
        engine.run_subscript("middle")
    except SubscriptFailed as error:
        print("caught", error)
"""


def test_caller_of_a_cancelled_subscript_goes_on(cancellable):
    cancellable.subscripts = {"middle": "def run(engine): engine.run_subscript('inner')", "inner": HANG}
    cancelled = cancellable.cancel_at(2, "middle")
    result = cancellable.run(CATCHES, "outer", limit=30)
    assert time.monotonic() - cancelled.result() < 30
    assert (result.outcome, result.not_kept_warm) == (Outcome.SUCCEEDED, "")
    assert cancellable.lines == ["outer", "begun", "caught The run was cancelled."]
    outcomes = {name: result.outcome for name, result in cancellable.results.items()}
    assert outcomes == {"inner": Outcome.ABANDONED, "middle": Outcome.CANCELLED, "outer": Outcome.SUCCEEDED}


def test_subscripts_of_a_cancelled_run_end(cancellable):
    cancellable.subscripts = {"middle": HANG}
    cancelled = cancellable.cancel_at(2, "outer")
    assert cancellable.run(CATCHES, "outer", limit=30).outcome is Outcome.CANCELLED
    assert time.monotonic() - cancelled.result() < 30
    assert cancellable.results["middle"].outcome is Outcome.ABANDONED
    assert cancellable.lines == ["outer", "begun"]


def test_subscript_of_a_run_cancelled_just_before_never_begins(cancellable):
    cancellable.run(COUNT, "warm", name="middle")
    cancellable.subscripts = {"middle": COUNT}
    on_subscript = cancellable.on_subscript

    def cancel_first(*call):
        assert cancellable.signal.cancel("outer")
        return on_subscript(*call)

    cancellable.on_subscript = cancel_first
    assert cancellable.run(CATCHES, "outer").outcome is Outcome.CANCELLED
    assert cancellable.results["middle"].outcome is Outcome.ABANDONED
    assert cancellable.lines == ["1", "outer"]


@pytest.mark.parametrize("warm", [True, False])
def test_run_cancelled_before_it_has_its_process_never_begins(cancellable, monkeypatch, warm):
    if warm:
        cancellable.run(COUNT, "before")
    find_scratch = cancellable.bench.hosts._scratch_of

    def cancel_first(host):
        assert cancellable.signal.cancel("it")
        return find_scratch(host)

    with monkeypatch.context() as patch:
        patch.setattr(cancellable.bench.hosts, "_scratch_of", cancel_first)
        assert cancellable.run(COUNT).outcome is Outcome.CANCELLED
    assert cancellable.run(COUNT, "after").outcome is Outcome.SUCCEEDED
    # The third one has a new process.
    assert cancellable.lines == ["1"] * (1 + warm)


def test_run_cancelled_while_its_process_starts_never_begins(cancellable, monkeypatch):
    monkeypatch.setattr(cancellable.bench.hosts._zygote, "wake", lambda: None)
    stopped = cancellable.bench.zygote()
    stopped.suspend()
    # The run may begin late.
    timer = threading.Timer(0.3, eventually, [lambda: cancellable.signal.cancel("it")])
    timer.start()
    begun_at = time.monotonic()
    result = cancellable.run(COUNT, limit=30)
    assert time.monotonic() - begun_at < START_SECONDS, "it does not wait for its process"
    stopped.resume()
    assert (result.outcome, result.not_kept_warm) == (Outcome.CANCELLED, "")
    assert cancellable.run(COUNT, "after").outcome is Outcome.SUCCEEDED
    assert cancellable.lines == ["1"]


def test_no_other_node_runs_a_cancelled_run(cancellable, monkeypatch):
    """COULD_NOT_START would make the worker hand it on."""

    def fail():
        assert cancellable.signal.cancel("it")
        raise NoHostError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(cancellable.bench.hosts, "_new_directory", fail)
        assert cancellable.run(COUNT).outcome is Outcome.CANCELLED


def test_only_live_runs_can_be_cancelled(cancellable):
    signal = cancellable.signal
    assert not signal.cancel("it")
    assert cancellable.run(COUNT).outcome is Outcome.SUCCEEDED
    assert not signal.cancel("it")
    # A run without an id.
    cancellable.on_line = lambda line: cancellable.lines.append(signal.cancel(""))
    assert cancellable.run(COUNT, "").outcome is Outcome.SUCCEEDED
    assert cancellable.lines == ["1", False]
    signal.close()
    assert not signal.cancel("it")


def test_run_whose_callback_raises_is_not_live(cancellable):
    def refuse(line):
        raise ConnectionError(line)

    cancellable.on_line = refuse
    with pytest.raises(ConnectionError):
        cancellable.run(COUNT)
    assert not cancellable.signal.cancel("it")


def test_answer_and_cancellation_race_without_harm(cancellable):
    """A cancellation may also come while a later run is live. It says truly whether it has ended its own."""
    delays = random.Random(7)
    open_before = len(os.listdir("/proc/self/fd"))
    with ThreadPoolExecutor(8) as others:
        beside = others.submit(lambda: [cancellable.bench.run(COUNT, name="beside").outcome for _ in range(200)])

        def cancel(run_id, moment, delay):
            moment.wait(10)
            time.sleep(delay)
            return cancellable.signal.cancel(run_id)

        cancellations = []
        for number in range(200):
            begins, answers = threading.Event(), threading.Event()
            cancellable.on_line = lambda line, answers=answers: answers.set()
            moment = begins if number % 4 == 0 else answers
            cancellations.append(others.submit(cancel, f"{number}", moment, delays.uniform(0, 0.002)))
            begins.set()
            cancellable.run(COUNT, f"{number}")
            answers.set()
        hit = [cancellation.result() for cancellation in cancellations]
    outcomes = [cancellable.results[f"{number}"].outcome for number in range(200)]
    assert outcomes == [Outcome.CANCELLED if was_hit else Outcome.SUCCEEDED for was_hit in hit]
    assert set(outcomes) == {Outcome.CANCELLED, Outcome.SUCCEEDED}
    assert set(beside.result()) == {Outcome.SUCCEEDED}
    # Two hosts rest, each with three descriptors and that of its process.
    assert eventually(lambda: len(os.listdir("/proc/self/fd")) <= open_before + 2 * 5)


def test_signal_costs_no_descriptor_after_its_end(bench):
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        with CancelSignal() as signal:
            threading.Thread(target=signal.cancel, args=["it"]).start()
            assignment = replace(bench.assignment("def run(engine): pass", reuse=False), run_id="it")
            assert bench.hosts.run(assignment, print, no_subscripts, RunLoop(signal)), number
    assert eventually(lambda: len(os.listdir("/proc/self/fd")) == before)
