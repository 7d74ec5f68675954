"""How many live streams there may be at once: in a process, and for a user over all web server processes of a machine.

For its user, each stream locks a file. The kernel releases the lock when the stream, or its process, has ended.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from foundation import locks
from web import threads

MOST = 24
"""A browser needs one for all of its pages; the others are for programs."""

_of_process = threading.BoundedSemaphore(threads.for_streams())


class NoSlotError(Exception):
    """All stream slots of the user or of the process are taken."""


@contextmanager
def held(user_id: int) -> Iterator[None]:
    """Hold a slot of the user and one of the process.

    Raises:
        NoSlotError: all are taken.
        OSError: the data directory is not writable.
    """
    user_slot = _lock_one(user_id)
    try:
        if not _of_process.acquire(blocking=False):
            raise NoSlotError("All slots for live streams are taken, try again later.")
        try:
            yield
        finally:
            _of_process.release()
    finally:
        os.close(user_slot)


def _lock_one(user_id: int) -> int:
    directory: Path = settings.DATA_DIR.streams_dir
    directory.mkdir(mode=0o700, exist_ok=True)
    # At most half of the slots of a process.
    most = min(MOST, max(1, threads.for_streams() // 2))
    for number in range(most):
        slot = locks.held(directory / f"{user_id}-{number}")
        if slot is not None:
            return slot
    raise NoSlotError(f"You already have {most} live streams, the most for one user. Close one of them first.")
