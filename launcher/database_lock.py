"""One start at a time brings a database up to date, also where several machines share it."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import psycopg
from django.db import connection

from launcher.steps import say

KEY = 0x7564_6170_6900
"""The advisory lock of PostgreSQL; other programs that share the database have to take other numbers."""

PAUSE_SECONDS = 0.3


@contextmanager
def held() -> Iterator[None]:
    """Hold the lock of the settings' database; waits until no other start holds it.

    Where a start is killed, the kernel or PostgreSQL releases its lock.

    Raises:
        django.db.OperationalError: the database cannot be reached.
    """
    with _of_postgresql() if connection.vendor == "postgresql" else _of_file():
        yield


@contextmanager
def _of_postgresql() -> Iterator[None]:
    # A connection of its own: PostgreSQL ties the lock to it, and Django's may go back to the pool meanwhile.
    with connection.wrap_database_errors:
        own = psycopg.connect(**connection.get_connection_params(), autocommit=True)
    with closing(own):

        def try_to_take() -> bool:
            with connection.wrap_database_errors:
                row = own.execute("SELECT pg_try_advisory_lock(%s)", [KEY]).fetchone()
            return row is not None and bool(row[0])

        _wait_for(try_to_take)
        yield


@contextmanager
def _of_file() -> Iterator[None]:
    descriptor = os.open(f"{connection.settings_dict['NAME']}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:

        def try_to_take() -> bool:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            return False

        _wait_for(try_to_take)
        yield
    finally:
        os.close(descriptor)


def _wait_for(try_to_take: Callable[[], bool]) -> None:
    is_told = False
    while not try_to_take():
        if not is_told:
            say("waiting for another start, which brings it up to date …")
            is_told = True
        time.sleep(PAUSE_SECONDS)
