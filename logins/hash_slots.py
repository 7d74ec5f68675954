"""The log-in slots: how many passwords a machine checks at once, over all processes of its web server.

A slot is a lock on a file of the data directory, which the kernel releases whatever happens to its holder.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings

from foundation import locks
from logins.attempts import BusyError
from web import threads

# Fewer than a user may fail, so that users are never locked by their own simultaneous requests.
MOST_SLOTS: Final = 8
WAIT_SECONDS: Final = 0.5
_LOOK_EVERY_SECONDS: Final = 0.02


def count() -> int:
    """At most half of the processors."""
    return max(1, min(MOST_SLOTS, (os.cpu_count() or 1) // 2))


class HashSlots:
    """The slots as one process sees them."""

    def __init__(self) -> None:
        # Waiting log-ins must leave threads to console and management API.
        self._waiting = threading.BoundedSemaphore(threads.reserve() // 2)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold one of the slots.

        Raises:
            BusyError: all are taken, and none became free in time.
        """
        descriptor = _take_free()
        if descriptor is None and self._waiting.acquire(blocking=False):
            try:
                descriptor = _wait()
            finally:
                self._waiting.release()
        if descriptor is None:
            raise BusyError
        try:
            yield
        finally:
            # A child that another thread is starting may have inherited the descriptor: closing it is not enough.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


slots = HashSlots()


def _wait() -> int | None:
    ends = time.monotonic() + WAIT_SECONDS
    descriptor = None
    while descriptor is None and time.monotonic() < ends:
        time.sleep(_LOOK_EVERY_SECONDS)
        descriptor = _take_free()
    return descriptor


def _take_free() -> int | None:
    directory = settings.DATA_DIR.log_ins_dir
    directory.mkdir(mode=0o700, exist_ok=True)
    taken = (locks.held(directory / str(number)) for number in range(count()))
    return next((descriptor for descriptor in taken if descriptor is not None), None)
