"""The processor time, context switches and memory of whole process trees, and the commands of Redis."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

MEGABYTE = 1024 * 1024
MEMORY_MEASURE = "PSS" if os.geteuid() == 0 else "RSS"
"""Only root can read the PSS of processes that close their memory. RSS counts shared memory in each process."""


@dataclass(frozen=True)
class ProgramUsage:
    """Seconds of processor time and context switches of a program and its children since they started."""

    seconds: float
    switches: int

    def since(self, earlier: "ProgramUsage") -> "ProgramUsage":
        return ProgramUsage(self.seconds - earlier.seconds, self.switches - earlier.switches)


def taken(programs: Mapping[str, int]) -> dict[str, ProgramUsage]:
    """The usage of each program so far. Ended children count through their parents."""
    return {name: _of_tree(psutil.Process(pid)) for name, pid in programs.items()}


def memory(programs: Mapping[str, int]) -> float:
    """The memory of all programs together in MB, by `MEMORY_MEASURE`."""
    family = [member for pid in programs.values() for member in _family(psutil.Process(pid))]
    return sum(_size(member) for member in family) / MEGABYTE


def commands(redis: Any) -> int:
    """The number of commands that a Redis has carried out, those of Lua scripts included."""
    return sum(int(each["calls"]) for each in redis.info("commandstats").values())


def _family(parent: psutil.Process) -> list[psutil.Process]:
    return [parent, *parent.children(recursive=True)]


def _size(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss if MEMORY_MEASURE == "PSS" else process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _of_tree(parent: psutil.Process) -> ProgramUsage:
    seconds, switches = 0.0, 0
    for process in _family(parent):
        try:
            times = process.cpu_times()
            # The time of an ended process is added to the parent that reaped it.
            seconds += times.user + times.system + times.children_user + times.children_system
            switches += _switches(process.pid)
        except (psutil.NoSuchProcess, FileNotFoundError):
            continue
    return ProgramUsage(seconds, switches)


def _switches(pid: int) -> int:
    """The context switches of all threads; psutil only counts those of the first."""
    return sum(map(_switches_of_thread, Path(f"/proc/{pid}/task").iterdir()))


def _switches_of_thread(task: Path) -> int:
    try:
        lines = (task / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
