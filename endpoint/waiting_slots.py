"""How many triggers may wait in one process of the web server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from endpoint.errors import ManagerNotInitializedError
from foundation.metrics import WAITING_SLOTS, meters
from web import threads

# SQLite's connection takes 160 KB, half of what a waiting caller takes, and opening one takes longer than a look-up:
# only beyond this many waiting callers is it worth closing.
_KEEPING_DATABASE = 128


class WaitingSlots:
    """The waiting slots of this process."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(threads.for_triggers())
        self._with_database = threading.BoundedSemaphore(_KEEPING_DATABASE)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold a slot while a trigger waits.

        Raises:
            ManagerNotInitializedError: none is free.
        """
        if not self._free.acquire(blocking=False):
            raise ManagerNotInitializedError.for_now("every waiting slot of this process is taken")
        meters.add(WAITING_SLOTS)
        keeps_database = self._with_database.acquire(blocking=False)
        try:
            if not keeps_database and not connection.in_atomic_block:
                connection.close()
            yield
        finally:
            if keeps_database:
                self._with_database.release()
            meters.add(WAITING_SLOTS, amount=-1.0)
            self._free.release()

    def hold_for(self, environ: dict[str, Any]) -> None:
        """Hold a slot until gunicorn has sent the answer to the request; under another server none is held.

        Raises:
            ManagerNotInitializedError: none is free.
        """
        if (client := environ.get("gunicorn.socket")) is not None:
            client.hold(self.hold())


slots = WaitingSlots()
