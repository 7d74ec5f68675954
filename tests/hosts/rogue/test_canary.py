"""A script that looks everywhere finds no secret of the worker."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from tests.landlock import needs_landlock, without_landlock

ROOT = str(Path(__file__).resolve().parents[3])
CANARY = "canary-7b1f" + "0c55e2d8"

# A small worker process with secrets in its environment and memory, hidden as in udapi_site/celery.py.
WORKER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from foundation import linux
from hosts.script_hosts import ScriptHosts
from hosts.jobs import Assignment, Job, JobKind, Script
linux.hide_memory()
secret = os.environ["UDAPI_SECRET_KEY"] + " in memory"
hosts = ScriptHosts(user=sys.argv[3])
hosts.start()
script = Script("", "spy", 1, sys.argv[2], memory_limit_mb=2_000)
job = Job("t", JobKind.PROBE, "", 1, "run", {"half": os.environ["HALF"]})
print(hosts.run(Assignment(job, script, 60), lambda line: print(line, flush=True), None).outcome)
hosts.stop()
"""

# It has the canary in two pieces, so that it does not find itself.
SPY = """
import os

def ancestors():
    pid = os.getppid()
    while pid:
        yield pid
        try:
            with open(f"/proc/{pid}/stat", "rb") as stat:
                pid = int(stat.read().rpartition(b")")[2].split()[1])
        except OSError:
            return

def memory(pid):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as content:
        for line in maps:
            if " rw" in line:
                start, end = (int(part, 16) for part in line.split()[0].split("-"))
                for at in range(start, end, 2**20):
                    try:
                        content.seek(at)
                        yield content.read(min(2**20, end - at))
                    except (OSError, ValueError, OverflowError):
                        break

def files(pid):
    for name in ("environ", "cmdline"):
        with open(f"/proc/{pid}/{name}", "rb") as content:
            yield content.read()

def run(engine):
    canary = engine.script_param("half").value.encode() + b"0c55e2d8"
    for pid in ("self", *{LINE}):
        for kind in (files, memory):
            try:
                found = any(canary in chunk for chunk in kind(pid)) and pid != "self"
                print("looked", kind.__name__, "FOUND" if found else "nothing")
            except PermissionError:
                print("refused", kind.__name__)
"""


def spy(user: str, python: str = sys.executable, account: int | None = None, has_landlock: bool = True) -> str:
    """What the spy says under a worker that runs as the user `account`."""
    # The zygote, the keeper, the worker.
    source = SPY.replace("{LINE}", "[*ancestors()][:3]")
    command = [python, "-c", WORKER, ROOT, source, user]
    if not has_landlock:
        command = [python, *without_landlock(*command)[1:]]
    environment = {"PATH": os.environ["PATH"], "UDAPI_SECRET_KEY": CANARY, "HALF": CANARY[:11], "TMPDIR": "/tmp"}  # noqa: S108
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, user=account, cwd="/")
    assert "Succeeded" in done.stdout, done
    assert CANARY not in done.stdout + done.stderr
    return done.stdout


def python_for(account: int) -> str:
    """A Python that this user can execute."""
    trial = f"import sys; sys.path.insert(0, {ROOT!r}); import hosts.script_hosts; assert sys.version_info >= (3, 11)"
    for python in (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3"):
        try:
            if subprocess.run([python, "-c", trial], user=account, capture_output=True, cwd="/").returncode == 0:
                return python
        except OSError:
            continue
    pytest.skip("no Python 3.11 that an ordinary user may read: install python3, or run the tests as an ordinary user")


@pytest.mark.root_too
@pytest.mark.parametrize("has_landlock", [pytest.param(True, marks=needs_landlock), False])
def test_a_script_under_the_account_of_its_worker_finds_nothing(has_landlock):
    account = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    python = sys.executable if account is None else python_for(account)
    told = spy("", python, account, has_landlock)
    assert "FOUND" not in told
    # Without Landlock it can read zygote and keeper, which hold no secret, but not the worker.
    assert told.count("refused memory") == (3 if has_landlock else 1)
    assert told.count("looked memory nothing") == (1 if has_landlock else 3)


@pytest.mark.root
@pytest.mark.parametrize("has_landlock", [pytest.param(True, marks=needs_landlock), False])
def test_a_script_with_an_account_of_its_own_finds_nothing(has_landlock):
    told = spy("nobody", has_landlock=has_landlock)
    assert "FOUND" not in told
    assert told.count("refused memory") == 3


@pytest.mark.root
@needs_landlock
def test_a_script_of_root_finds_nothing():
    told = spy("")
    assert "FOUND" not in told
    assert told.count("refused memory") == 3
