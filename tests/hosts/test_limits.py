"""Script hosts under the limits that a worker was started with."""

import os
import resource
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hosts.jobs import Outcome
from hosts.script_hosts import ScriptHosts
from tests.hosts.conftest import Bench, no_subscripts

PROJECT = Path(__file__).resolve().parents[2]
BELOW = 4_096
WORKER = """
import resource, sys
sys.path.insert(0, sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[3])))
from hosts.script_hosts import ScriptHosts
from hosts.jobs import Assignment, Job, JobKind, Script
hosts = ScriptHosts()
try:
    hosts.start()
    script = Script("", "s", 1, "import os\\ndef run(engine): os.abort()")
    print(hosts.run(Assignment(Job("t", JobKind.PROBE, "", 1, "run"), script, 20), print, None))
    hosts.stop()
except OSError as error:
    print(error)
"""


def worker_with(soft: int, hard: int) -> str:
    command = [sys.executable, "-c", WORKER, str(PROJECT), str(soft), str(hard)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize("hard", [2**20, resource.getrlimit(resource.RLIMIT_FSIZE)[1]])
def test_a_small_limit_of_file_sizes_is_raised(hard):
    told = worker_with(BELOW, hard)
    assert "signal SIGABRT" in told
    assert '<script s>", line 2 in run' in told


def test_limit_of_file_sizes_that_cannot_be_raised_stops_the_start():
    assert worker_with(BELOW, BELOW) == "the limit of file sizes (ulimit -f) is below 64 KB\n"


THREADS = """
import threading, time
def run(engine):
    threading.stack_size(65536)
    over = threading.Event()
    threads = [threading.Thread(target=over.wait) for _ in range({count})]
    try:
        for thread in threads:
            thread.start()
        print("started", flush=True)
        time.sleep({seconds})
    finally:
        over.set()
"""


@pytest.mark.root_too
def test_threads_of_other_programs_take_none_from_a_script(tmp_path):
    """The kernel counts threads by account, and a web server under load starts many in that of its worker node."""
    hosts = ScriptHosts(user="nobody" if os.geteuid() == 0 else "")
    bench, others_started = Bench(hosts, str(tmp_path)), threading.Event()
    others = bench.assignment(THREADS.format(count=190, seconds=600), limit=600, name="others")
    hosts.start()
    with ThreadPoolExecutor(1) as beside:
        try:
            ran = bench.run(THREADS.format(count=1, seconds=0), limit=60)
            beside.submit(hosts.run, others, lambda _line: others_started.set(), no_subscripts)
            assert ran.outcome is Outcome.SUCCEEDED and others_started.wait(60)
            ran = bench.run(THREADS.format(count=100, seconds=0), limit=60, version=2)
            assert (ran.outcome, ran.lines) == (Outcome.SUCCEEDED, ["started"]), ran.result
        finally:
            hosts.stop()
