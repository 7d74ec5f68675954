"""How long a client may take over a body.

A read of the HTTP server's returns only with all that it was asked for, and whoever sends a byte now and then
is never silent: he would keep a thread for days. So a second pair of eyes looks at the time of them all.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

LONGEST_SILENCE_SECONDS = 10.0

_LOOK_SECONDS = 0.5
_ends: dict[socket.socket, float] = {}


@contextmanager
def patience(connection: socket.socket | None, seconds: float) -> Iterator[None]:
    """Meanwhile `connection` may be silent for a moment and be read for `seconds`; then the client has broken off."""
    if connection is None:
        yield
        return
    _watch()
    _ends[connection] = time.monotonic() + seconds
    connection.settimeout(LONGEST_SILENCE_SECONDS)
    try:
        yield
    finally:
        del _ends[connection]
        connection.settimeout(None)


@cache
def _watch() -> None:
    """Begin to look, in a process that reads a body."""
    threading.Thread(target=_look, name="patience", daemon=True).start()


def _look() -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        for connection, end in list(_ends.items()):
            if end < time.monotonic():
                # Whoever reads there sees an end; he can still answer.
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RD)
