"""One stack at a time on a data directory."""

import fcntl
import os
import time
from pathlib import Path

from foundation import locks
from launcher.steps import StartError, say


def hold(path: Path) -> None:
    """Hold the lock `path` until this process ends, whatever program it becomes.

    Raises:
        StartError: another stack holds it.
    """
    if not try_to_hold(path):
        holder = path.read_text().strip()
        raise StartError(
            f"It is already running on the data directory {path.parent.parent} (process {holder}): "
            f"end it with Ctrl-C or `kill {holder}`, or choose another directory with UDAPI_DATA_DIR."
        )


def try_to_hold(path: Path) -> bool:
    """As `hold`, but return False where another process holds the lock."""
    descriptor = locks.held(path)
    if descriptor is None:
        return False
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    os.set_inheritable(descriptor, True)
    return True


def share(path: Path) -> None:
    """Share the lock `path` until this process and all that it starts have ended."""
    descriptor = locks.open_lock(path)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    os.set_inheritable(descriptor, True)


def wait_until_unshared(path: Path, seconds: float) -> None:
    """Wait for the programs of an earlier supervisor that was killed.

    Nothing starts before: a Redis that ends removes the socket of the one that came after it.

    Raises:
        StartError: something still shares the lock after `seconds`.
    """
    descriptor = locks.open_lock(path)
    ends = time.monotonic() + seconds
    try:
        while not locks.try_to_lock(descriptor):
            if time.monotonic() > ends:
                raise StartError("Processes of an earlier start still run: end them (`ps -ef | grep udapi`) first.")
            say("Waiting for the processes of an earlier start to end …")
            time.sleep(2)
    finally:
        os.close(descriptor)
