"""Figures about a process that every account may read, even if it closes its memory (`PR_SET_DUMPABLE`)."""

import os
from pathlib import Path

import psutil


def descriptors(process: psutil.Process) -> int:
    """The number of open descriptors.

    Before Linux 6.2, for a process that closes its memory: the size of its descriptor table, a power of two.
    """
    try:
        return process.num_fds()
    except psutil.AccessDenied:
        return os.stat(f"/proc/{process.pid}/fd").st_size or _table_size(process.pid)


def _table_size(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("FDSize:"))
