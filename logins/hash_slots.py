"""How many passwords this machine checks at once: half of its processors at most, over all processes of the web server.

A place is a lock on a file of the data directory, which the kernel gives back whatever becomes of its holder.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings

from logins.errors import BusyError
from web import threads

MOST_PLACES: Final = 8
"""Fewer than a user may fail: their own simultaneous requests never lock a user out."""
WAIT_SECONDS: Final = 0.5
_LOOK_EVERY_SECONDS: Final = 0.02

# Those who wait must leave threads to the console and the management API.
_waiting = threading.BoundedSemaphore(threads.reserve() // 2)


def places() -> int:
    """How many passwords may be checked at once."""
    return max(1, min(MOST_PLACES, (os.cpu_count() or 1) // 2))


@contextmanager
def place() -> Iterator[None]:
    """Hold one of the places.

    Raises:
        BusyError: all are taken, and none was given back in time.
    """
    descriptor = _take()
    try:
        yield
    finally:
        # A child that another thread starts just now may have inherited the descriptor: closing it is not enough.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _take() -> int:
    descriptor = _take_free()
    if descriptor is None and _waiting.acquire(blocking=False):
        try:
            descriptor = _wait()
        finally:
            _waiting.release()
    if descriptor is None:
        raise BusyError
    return descriptor


def _wait() -> int | None:
    ends = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < ends:
        time.sleep(_LOOK_EVERY_SECONDS)
        descriptor = _take_free()
        if descriptor is not None:
            return descriptor
    return None


def _take_free() -> int | None:
    directory = settings.DATA_DIR.log_ins_dir
    directory.mkdir(mode=0o700, exist_ok=True)
    for number in range(places()):
        descriptor = os.open(directory / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return descriptor
    return None
