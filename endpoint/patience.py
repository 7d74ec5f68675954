"""How long a client may take over the head of a request, and over its body.

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
    begin(connection, seconds)
    connection.settimeout(LONGEST_SILENCE_SECONDS)
    try:
        yield
    finally:
        end(connection)
        connection.settimeout(None)


def begin(connection: socket.socket, seconds: float) -> None:
    """From now on `connection` may be read for `seconds`; then the client has broken off."""
    _watch()
    _ends[connection] = time.monotonic() + seconds


def end(connection: socket.socket) -> bool:
    """The client has sent all; whether his time was over before. Nothing where it did not begin or has ended."""
    return _ends.pop(connection, float("inf")) < time.monotonic()


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
