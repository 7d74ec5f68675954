"""How many triggers may wait in one process of the web server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from endpoint.errors import ManagerNotInitializedError

RETRY_AFTER_SECONDS = 5


def _places() -> int:
    """All threads but an eighth (at least four): console and management stay reachable whatever waits."""
    threads: int = settings.UDAPI_WEB_THREADS
    return threads - max(4, threads // 8)


_free = threading.BoundedSemaphore(_places())


@contextmanager
def place() -> Iterator[None]:
    """Hold a place while a trigger waits.

    Raises:
        ManagerNotInitializedError: none is left.
    """
    if not _free.acquire(blocking=False):
        raise no_place("every place of this process is taken")
    try:
        yield
    finally:
        _free.release()


def no_place(message: str) -> ManagerNotInitializedError:
    """Error 7, with the time after which another try makes sense."""
    return ManagerNotInitializedError(message, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
