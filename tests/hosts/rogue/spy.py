"""A script that tries to reach what it must not, and reports the result of each attempt."""

import contextlib
import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from testbed.stack import ROOT
from tests.landlock import ABI

# It says that an attempt succeeded, never what it has read.
SPY = """
import errno, json, os, socket
from automation.sdk import ApiTriggerOutput

def _read(path):
    with open(path, "rb") as file:
        file.read(1)

def _memory(pid):
    with open(f"/proc/{pid}/maps") as maps:
        first = maps.readline()
    if not first:  # The process has ended: it has no memory any more.
        raise OSError(errno.ESRCH, os.strerror(errno.ESRCH))
    start = int(first.split("-")[0], 16)
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        memory.seek(start)
        memory.read(1)

def _write(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND))

def _create(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    os.remove(path)

def _make(path):
    os.mkdir(path)
    os.rmdir(path)

def _connect(name):
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect("\\0" + name)

DEEDS = {
    "read": _read, "list": os.listdir, "memory": _memory, "write": _write,
    "truncate": lambda path: os.truncate(path, 0), "remove": os.remove, "make": _make, "create": _create,
    "signal": lambda pid: os.kill(int(pid), 0), "connect": _connect,
}

def _outcome(deed, target):
    try:
        DEEDS[deed](target)
    except OSError as error:
        return error.strerror
    return "done"

def on_api_trigger(engine, request):
    attempts = json.loads(request.raw_body)
    told = {"here": os.getcwd(), "pid": os.getpid(), "outcomes": [_outcome(*attempt) for attempt in attempts]}
    return ApiTriggerOutput(response_body=json.dumps(told))
"""

SECRET_FILES = (
    "secret_key",
    "secret_peppers",
    "credential_keys",
    "db.sqlite3",
    "redis/password",
    "redis/redis.conf",
)
REFUSALS = {"Permission denied", "Operation not permitted"}

Attempt = tuple[str, str]
Call = Callable[[str], dict[str, Any]]


def successes(call: Call, attempts: Iterable[Attempt]) -> list[tuple[Attempt, str]]:
    """The attempts that were not refused, with their results, except those on the spy's own process."""
    made = list(attempts)
    told = call(json.dumps(made))
    own = str(told["pid"])
    outcomes = zip(made, told["outcomes"], strict=True)
    return [(attempt, said) for attempt, said in outcomes if said not in REFUSALS and own not in attempt[1].split("/")]


def successes_on_processes(call: Call, processes: Sequence[psutil.Process]) -> list[tuple[Attempt, str]]:
    """The attempts to look into processes and to signal them that were not refused.

    Those on a process that has ended meanwhile do not count: the system refuses nothing that is no longer there.
    """
    found = successes(call, _on_processes(processes))
    ended = {str(process.pid) for process in processes if _has_ended(process)}
    return [(attempt, said) for attempt, said in found if ended.isdisjoint(attempt[1].split("/"))]


def on_files(data_dir: Path) -> Iterator[Attempt]:
    """Attempts to read and change files of the product and of the machine."""
    for name in SECRET_FILES:
        yield "read", str(data_dir / name)
        yield "write", str(data_dir / name)
    for path in (ROOT / "manage.py", ROOT / "automation" / "models.py", "/etc/shadow", "/etc/hostname"):
        yield "read", str(path)
    for path in (data_dir, ROOT, tempfile.gettempdir(), "/root", "/home", "/etc", "/"):
        yield "list", str(path)
    for path in (data_dir, ROOT, Path(tempfile.gettempdir()), Path("/usr/local"), Path(os.__file__).parent):
        yield "create", str(path / "planted")
        yield "make", str(path / "planted")
    yield "remove", str(data_dir / "secret_key")
    if ABI >= 3:
        yield "truncate", str(data_dir / "secret_key")


def _on_processes(processes: Iterable[psutil.Process]) -> Iterator[Attempt]:
    for process in processes:
        for name in ("environ", "maps", "mem", "cwd/manage.py"):
            yield "read", f"/proc/{process.pid}/{name}"
        yield "memory", str(process.pid)
        if ABI >= 6:
            yield "signal", str(process.pid)


def _has_ended(process: psutil.Process) -> bool:
    """Whether it has left, or is about to: its memory goes first, and a zombie has none."""
    try:
        return not process.is_running() or process.memory_info().vms == 0
    except psutil.NoSuchProcess:
        return True


@contextlib.contextmanager
def abstract_socket() -> Iterator[Attempt]:
    """The attempt to connect to an abstract socket."""
    with socket.socket(socket.AF_UNIX) as listener:
        name = f"udapi-test-{os.getpid()}"
        listener.bind(f"\0{name}")
        listener.listen()
        yield "connect", name
