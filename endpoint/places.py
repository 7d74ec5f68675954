"""How many triggers may wait in one process of the web server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from endpoint.errors import ManagerNotInitializedError
from udapi_site import threads

RETRY_AFTER_SECONDS = 5


_free = threading.BoundedSemaphore(threads.for_triggers())


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
