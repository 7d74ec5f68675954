"""The live streams that one user may hold at once, counted over all web server processes of a machine.

Each takes the lock of a file, which the kernel gives back when the stream, or its process, has ended.
"""

import fcntl
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.conf import settings

from web import threads

MOST = 24
"""Browsers need one for all their pages; the others are for programs."""


def most_of_one_user() -> int:
    """How many streams a user may hold: never more than half of those that a process has room for."""
    return min(MOST, max(1, threads.for_streams() // 2))


def take(user_id: int) -> Callable[[], None] | None:
    """A place for a stream of this user, which the returned function gives back; None when all are taken.

    Raises:
        OSError: the data directory cannot be written to.
    """
    directory: Path = settings.DATA_DIR.streams_dir
    directory.mkdir(mode=0o700, exist_ok=True)
    for number in range(most_of_one_user()):
        place = os.open(directory / f"{user_id}-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(place)
        else:
            return partial(os.close, place)
    return None
