"""Runs that have not begun differ from those that have, and faults of the machine from those of the script."""

import os
import resource
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hosts import scratch
from hosts.jobs import Outcome, SubscriptAnswer
from hosts.script_hosts import ScriptHosts
from tests.hosts.conftest import Bench, no_subscripts

WARM = "count = 0\ndef run(engine):\n    global count\n    count += 1\n    print(count)"


@contextmanager
def lost_base(bench: Bench) -> Iterator[None]:
    """A file replaces the directory for scratch directories, which stops even root."""
    (base,) = Path(bench.scratch_parent).glob("script-hosts-*")
    aside = base.rename(base.with_name("aside"))
    base.touch()
    yield
    base.unlink()
    aside.rename(base)


@pytest.mark.parametrize("terms", [{}, {"reuse": False}], ids=["warm", "fresh"])
def test_without_scratch_directory_no_script_begins(bench, terms):
    assert bench.run(WARM, **terms).outcome is Outcome.SUCCEEDED
    with lost_base(bench):
        ran = bench.run(WARM, **terms)
        assert (ran.outcome, ran.lines) == (Outcome.COULD_NOT_START, [])
        assert "no scratch directory" in ran.result.message
    ran = bench.run(WARM, **terms)
    assert (ran.outcome, ran.lines) == (Outcome.SUCCEEDED, ["1"])


def test_removed_base_directory_is_made_again(bench):
    everybody, job = threading.Barrier(4, timeout=20), bench.assignment(WARM, limit=30)
    with ThreadPoolExecutor(4) as at_once:
        list(at_once.map(lambda _: bench.hosts.run(job, lambda _line: everybody.wait(), no_subscripts), range(4)))
    assert len(bench.hosts.warm.resting()) == 4
    (base,) = Path(bench.scratch_parent).glob("script-hosts-*")
    shutil.rmtree(base)
    # No warm host has a directory any more.
    assert bench.run(WARM).outcome is Outcome.SUCCEEDED
    assert base.stat().st_mode & 0o777 == 0o700


def test_directory_lost_before_the_host_enters_it_leaves_the_job_unread(bench, monkeypatch):
    """The worker has made it, but the host cannot enter it any more."""
    make = scratch.make

    def make_and_lose(directory, user):
        made = make(directory, user)
        os.rmdir(made.path)
        return made

    with monkeypatch.context() as patch:
        patch.setattr(scratch, "make", make_and_lose)
        ran = bench.run("def run(engine): print('begun')")
    assert ran.outcome is Outcome.COULD_NOT_START
    assert "begun" not in ran.lines
    assert bench.run("def run(engine): pass").outcome is Outcome.SUCCEEDED


def test_run_continues_while_others_cannot_begin(bench):
    def on_subscript(name, parameters, wait, remaining, watch):
        with lost_base(bench):
            inner = bench.run(WARM, name=name)
        return SubscriptAnswer(ok=False, message=inner.outcome)

    ran = bench.run("def run(engine): engine.run_subscript('inner', wait=True)", on_subscript=on_subscript)
    assert (ran.outcome, ran.result.message) == (Outcome.FAILED, "automation.sdk.SubscriptFailed: CouldNotStart")


def test_hosts_that_end_before_the_script_have_not_begun(tmp_path):
    """For example because a limit of their account is below that of the script."""
    hosts = ScriptHosts(tmp_path)
    hosts.start()
    try:
        bench = Bench(hosts, str(tmp_path))
        for process in (bench.keeper(), bench.zygote()):
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (2**28, 2**28))
        ran = bench.run("def run(engine): print('begun')", memory_limit_mb=512)
        assert ran.outcome is Outcome.COULD_NOT_START
        assert "begun" not in ran.lines
        assert bench.run("def run(engine): pass", memory_limit_mb=128).outcome is Outcome.SUCCEEDED
    finally:
        hosts.stop()


def test_without_a_zygote_nothing_begins(bench, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("sys.executable", "/nowhere/python")
        bench.zygote().kill()
        ran = bench.run("def run(engine): pass")
    assert ran.outcome is Outcome.COULD_NOT_START
    assert "/nowhere/python" in ran.result.message
    assert bench.run("def run(engine): pass").outcome is Outcome.SUCCEEDED


@pytest.mark.skipif(os.geteuid() == 0, reason="root may have any number of processes")
def test_without_room_for_a_process_nothing_begins(bench):
    zygote = bench.zygote()
    _, most = resource.prlimit(zygote.pid, resource.RLIMIT_NPROC)
    resource.prlimit(zygote.pid, resource.RLIMIT_NPROC, (1, most))
    assert bench.run("def run(engine): pass").outcome is Outcome.COULD_NOT_START
    resource.prlimit(zygote.pid, resource.RLIMIT_NPROC, (most, most))
    assert bench.run("def run(engine): pass").outcome is Outcome.SUCCEEDED


def test_job_beyond_the_memory_limit_counts_as_begun(bench):
    ran = bench.trigger("def on_api_trigger(e, r): pass", body=b"x" * 30_000_000, memory_limit_mb=32)
    assert (ran.outcome, ran.result.message) == (
        Outcome.DIED,
        "The job does not fit into the script's memory limit.",
    )


def test_run_without_process_at_its_deadline_has_expired(bench, monkeypatch):
    zygote = bench.hosts._zygote
    monkeypatch.setattr(zygote, "wake", lambda: None)
    stopped = bench.zygote()
    stopped.suspend()
    ran = bench.run("def run(engine): print('begun')", limit=0.5)
    stopped.resume()
    assert (ran.outcome, ran.lines) == (Outcome.EXPIRED, [])


@pytest.mark.parametrize("outcome", ["CouldNotStart", "Expired"])
def test_a_script_cannot_say_that_it_has_not_begun(bench, outcome):
    ran = bench.run(
        """
        import json, os, struct
        def run(engine):
            fields = {"type": "answer", "outcome": "OUTCOME", "message": "", "traceback": "", "leftover": ""}
            text = json.dumps(fields).encode()
            os.write(3, struct.pack("!II", len(text), 0) + text)
        """.replace("OUTCOME", outcome)
    )
    assert ran.outcome is Outcome.DIED


def test_job_past_its_start_time_never_begins(bench):
    assert bench.run(WARM).outcome is Outcome.SUCCEEDED
    lines: list[str] = []
    assignment = replace(bench.assignment(WARM, "run"), start_by=lambda: 0.0)
    result = bench.hosts.run(assignment, lines.append, no_subscripts)
    assert (result.outcome, lines) == (Outcome.EXPIRED, [])


def test_base_directory_of_another_account_is_not_used(tmp_path):
    """Its owner could replace what is made in it by a link."""
    base = tmp_path / "script-hosts-gone"
    base.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        scratch.make_for_host(base, "")
    base.unlink()
    assert Path(scratch.make_for_host(base, "")).is_dir()
