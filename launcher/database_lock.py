"""Only one start at a time brings a database up to date, even if several machines share it."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import psycopg
from django.db import connection

from foundation import locks
from launcher.steps import say

# PostgreSQL's advisory lock; other programs on the same database must use other numbers.
KEY = 0x7564_6170_6900

PAUSE_SECONDS = 0.3


@contextmanager
def held() -> Iterator[None]:
    """Hold the lock of the settings' database, after waiting for any other start.

    When a start is killed, the kernel or PostgreSQL releases its lock.

    Raises:
        django.db.OperationalError: the database cannot be reached.
    """
    with _of_postgresql() if connection.vendor == "postgresql" else _of_file():
        yield


@contextmanager
def _of_postgresql() -> Iterator[None]:
    # PostgreSQL ties the lock to a connection, and Django's may go back to the pool meanwhile.
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
    descriptor = locks.open_lock(Path(f"{connection.settings_dict['NAME']}.lock"))
    try:
        _wait_for(partial(locks.try_to_lock, descriptor))
        yield
    finally:
        os.close(descriptor)


def _wait_for(try_to_take: Callable[[], bool]) -> None:
    is_told = False
    while not try_to_take():
        if not is_told:
            say("waiting for another start, which is updating it …")
            is_told = True
        time.sleep(PAUSE_SECONDS)
