"""A process with everything below it, from /proc."""

import os
import signal
import sys
from collections.abc import Container
from contextlib import suppress

_PAGE = os.sysconf("SC_PAGE_SIZE")
# Each pass stops the processes that it finds, so the next one finds fewer, even of a fork bomb.
_PASSES = 50


def children(pid: int) -> list[int]:
    """The children of all threads of a process, including those that have ended and are not reaped yet."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as listing:
                found += map(int, listing.read().split())
    except FileNotFoundError:
        return found if _lists_children() else _children_by_parent(pid)
    except ProcessLookupError:
        return found
    return found


def descendants(pid: int, enough: int = sys.maxsize) -> list[int]:
    """Everything below a process, parents first; stops looking when it has found more than `enough`."""
    found = children(pid)
    for process in found:
        if len(found) > enough:
            break
        found += children(process)
    return found


def tasks(pid: int) -> int:
    """How many threads a process has; 0 if it is gone."""
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except (FileNotFoundError, ProcessLookupError):
        return 0


def is_alone(pid: int) -> bool:
    """Whether a process has one thread and nothing below it. Called after every run, so it makes few system calls."""
    try:
        # After the name of the program, which may hold anything, the 18th field counts the threads.
        threads = int(_content(f"/proc/{pid}/stat").rpartition(b")")[2].split()[17])
        return threads == 1 and not _content(f"/proc/{pid}/task/{pid}/children")
    except FileNotFoundError:
        return tasks(pid) == 1 and not children(pid)
    except ProcessLookupError:
        return False


def tasks_of(uid: int) -> int:
    """How many threads all processes of an account have."""
    count = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if os.stat(f"/proc/{name}").st_uid == uid:
                count += tasks(int(name))
    return count


def resident_bytes(pid: int) -> int:
    """The memory of a process with shared pages; 0 if it is gone."""
    with suppress(OSError, ValueError), open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * _PAGE
    return 0


def private_bytes(pid: int) -> int:
    """The memory of a process without shared pages, found cheaply; 0 if it is gone."""
    with suppress(OSError, ValueError):
        _, resident, shared, *_ = map(int, _content(f"/proc/{pid}/statm").split())
        return (resident - shared) * _PAGE
    return 0


def proportional_bytes(pid: int) -> int:
    """The memory of a process with its share of shared pages (PSS); if that is not available, with all of them."""
    with suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as rollup:
        for line in rollup:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return resident_bytes(pid)


def kill(*roots: int) -> None:
    """Kill processes that the caller has not reaped, and everything below them.

    All of them are stopped first. A stopped process neither forks nor reaps, so no id can pass to another process.
    """
    stopped: set[int] = set()
    for root in roots:
        # Stop the whole group at once: a fork bomb leaves little time for looking.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(root, signal.SIGSTOP)
    for _ in range(_PASSES):
        found = [*roots, *(below for root in roots for below in descendants(root))]
        fresh = [process for process in found if process not in stopped]
        if not fresh:
            break
        for process in fresh:
            _send(process, signal.SIGSTOP)
        stopped.update(fresh)
    for process in stopped:
        _send(process, signal.SIGKILL)


def end_children(spared: Container[int] = ()) -> bool:
    """Kill and reap the caller's children with everything below, unless `spared`; returns whether there were any."""
    found = [pid for pid in children(os.getpid()) if pid not in spared]
    kill(*found)
    for pid in found:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return bool(found)


def _content(path: str) -> bytes:
    """The beginning of a small file, with three system calls; a Python file needs ten."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, 4_096)
    finally:
        os.close(file)


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it is gone, or runs a set-user-id program
        os.kill(pid, number)


def _lists_children() -> bool:
    return os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def _children_by_parent(pid: int) -> list[int]:
    """The children, on a kernel without CONFIG_PROC_CHILDREN."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
            # The name of the program, in parentheses, may hold anything.
            if int(stat.read().rpartition(b")")[2].split()[1]) == pid:
                found.append(int(name))
    return found
