"""Locks on files. The kernel releases them, however their holder ends."""

import fcntl
import os
from pathlib import Path


def open_lock(path: Path) -> int:
    """A descriptor of the lock file `path`, which is created with mode 600 if it is missing."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def try_to_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def held(path: Path) -> int | None:
    """A descriptor that holds the lock until it is closed; None where somebody else holds it."""
    descriptor = open_lock(path)
    if try_to_lock(descriptor):
        return descriptor
    os.close(descriptor)
    return None
