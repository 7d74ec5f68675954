"""How many triggers may wait in one process of the web server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from endpoint.errors import ManagerNotInitializedError
from web import threads

_free = threading.BoundedSemaphore(threads.for_triggers())
# So many keep their connection to the database while they wait. SQLite's takes 160 KB, half of what a waiting caller
# takes, and to open it anew takes longer than to look a trigger up: worth it in a crowd alone.
_with_database = threading.BoundedSemaphore(128)


@contextmanager
def place() -> Iterator[None]:
    """Hold a place while a trigger waits.

    Raises:
        ManagerNotInitializedError: none is left.
    """
    if not _free.acquire(blocking=False):
        raise ManagerNotInitializedError.for_now("every place of this process is taken")
    keeps_database = _with_database.acquire(blocking=False)
    try:
        if not keeps_database and not connection.in_atomic_block:
            connection.close()
        yield
    finally:
        if keeps_database:
            _with_database.release()
        _free.release()


def hold_place(environ: dict[str, Any]) -> None:
    """Hold a place until the answer to the request is sent; only gunicorn counts.

    Raises:
        ManagerNotInitializedError: none is left.
    """
    client = environ.get("gunicorn.socket")
    if client is not None:
        client.hold(place())
