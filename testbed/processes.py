"""What every account sees of a process, even of one that closes its memory (`PR_SET_DUMPABLE`) to all but root."""

import os
from pathlib import Path

import psutil


def descriptors(process: psutil.Process) -> int:
    """How many descriptors are open.

    Linux before 6.2 does not tell that of a closed process: then the size of its table, which grows in powers of two.
    """
    try:
        return process.num_fds()
    except psutil.AccessDenied:
        return os.stat(f"/proc/{process.pid}/fd").st_size or _table_size(process.pid)


def _table_size(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("FDSize:"))
