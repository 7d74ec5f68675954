"""A result says why its process does not serve another run. What a script leaves changed is in `test_reuse`."""

import os
import signal
import time
from dataclasses import replace

import pytest

from hosts.jobs import Outcome, SubscriptAnswer
from hosts.warm import WarmHosts
from tests.hosts.conftest import no_subscripts

PID = "import os\ndef run(engine): print(os.getpid())"


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("time.sleep(600)", "The process was killed: time limit."),
        (
            "os.fork(); os.fork(); kept = b'x' * (60 * 2**20); time.sleep(600)",
            "The process was killed: memory, or processes and threads.",
        ),
        ("os._exit(0)", "The process ended without an answer, or with an invalid one."),
        ("os.write(3, b'x' * 99); time.sleep(600)", "The process ended without an answer, or with an invalid one."),
    ],
)
def test_ending_of_the_process_is_named(bench, statement, reason):
    ran = bench.run(f"import os, time\ndef run(engine): {statement}", limit=2, memory_limit_mb=128)
    assert ran.result.not_kept_warm == reason, ran.result


def test_terms_of_the_script_are_named(bench):
    assert bench.run(PID, reuse=False).result.not_kept_warm == "The script asks for a new process for every run."


def test_script_that_was_not_loaded_is_named(bench):
    ran = bench.run(PID, "on_api_trigger", call=None)
    assert (ran.outcome, ran.result.not_kept_warm) == (Outcome.UNREADABLE, "The script was not loaded.")


def test_run_that_came_too_late_for_a_warm_process_is_named(bench):
    bench.run(PID)
    late = replace(bench.assignment(PID), start_by=lambda: 0.0)
    result = bench.hosts.run(late, print, no_subscripts)
    assert result.outcome is Outcome.EXPIRED
    assert result.not_kept_warm == "The process was killed: the run came too late to begin."


def test_run_without_a_process_has_no_reason(bench):
    bench.hosts.stop()
    ran = bench.run(PID, reuse=False)
    assert (ran.outcome, ran.result.not_kept_warm) == (Outcome.COULD_NOT_START, "")


def test_subscript_call_without_an_end_is_named(bench):
    """The process calls a subscript and answers, without a thread that waits."""

    def slow(name, parameters, wait, remaining, loop):
        inner = bench.assignment("import time\ndef run(engine): time.sleep(60)", name=name, depth=1)
        result = bench.hosts.run(inner, print, no_subscripts, loop)
        reasons.append(result.not_kept_warm)
        return SubscriptAnswer(ok=False)

    reasons: list[str] = []
    source = """
        import json, os, struct, time
        def run(engine):
            text = json.dumps({"type": "subscript", "name": "slow", "wait": True}).encode()
            os.write(3, struct.pack("!II", len(text), 2) + text + b"{}")
            time.sleep(1)
        """
    ran = bench.run(source, on_subscript=slow)
    assert (ran.outcome, ran.result.not_kept_warm) == (Outcome.SUCCEEDED, "A thread was still waiting for a subscript.")
    assert reasons == ["The process was killed: the run that waited for this one has ended."]


def test_process_killed_after_its_answer_is_named(bench):
    def on_line(line):
        time.sleep(1)  # it has answered by now
        os.kill(int(line), signal.SIGKILL)
        time.sleep(0.2)

    result = bench.hosts.run(bench.assignment(PID), on_line, no_subscripts)
    assert (result.outcome, result.not_kept_warm) == (Outcome.SUCCEEDED, "The process has ended.")


def test_output_without_an_end_is_named(bench, monkeypatch):
    # Whether a process that has left the tree is just writing when the run ends is up to chance.
    monkeypatch.setattr("hosts.output.OutputPipe.drain", lambda pipe: False)
    assert bench.run(PID).result.not_kept_warm == "A process that the script started was still writing."


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("renew", "Files that scripts can reach were replaced on this machine."),
        ("close", "The worker was stopping."),
        ("shrink", "It takes too much memory to wait for another run."),
    ],
)
def test_rest_that_the_worker_refuses_is_named(bench, change, reason):
    def on_line(line):
        if change == "shrink":
            bench.hosts.warm = WarmHosts(most=2, most_bytes=1)
        else:
            getattr(bench.hosts.warm, change)()

    result = bench.hosts.run(bench.assignment(PID), on_line, no_subscripts)
    assert (result.outcome, result.not_kept_warm) == (Outcome.SUCCEEDED, reason)
