"""How many live streams a user may hold at once, counted over all web server processes of a machine.

Each stream locks a file. The kernel releases the lock when the stream, or its process, has ended.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.conf import settings

from foundation import locks
from web import threads

MOST = 24
"""A browser needs one for all of its pages; the others are for programs."""


def most_of_one_user() -> int:
    """At most half of the stream slots of a process."""
    return min(MOST, max(1, threads.for_streams() // 2))


def take(user_id: int) -> Callable[[], None] | None:
    """Take a slot for this user; returns the function that frees it, or None if all are taken.

    Raises:
        OSError: the data directory is not writable.
    """
    directory: Path = settings.DATA_DIR.streams_dir
    directory.mkdir(mode=0o700, exist_ok=True)
    for number in range(most_of_one_user()):
        slot = locks.held(directory / f"{user_id}-{number}")
        if slot is not None:
            return partial(os.close, slot)
    return None
