"""Script hosts under the limits that a worker was started with."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

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
