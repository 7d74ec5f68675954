"""One subscriber of the live stream, between the thread that brings messages and the one that sends them."""

import queue
import select
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from events.readers import Reader
from events.selection import Selection

MOST_WAITING = 256
"""Messages that wait for a subscriber; what is more it reads from the database, at its own pace."""

STUCK_SECONDS = 10.0
"""A client that takes nothing for so long gives its thread back; it resumes where it was."""


@dataclass(frozen=True, slots=True)
class Message:
    """An event as the stream sends it, made once for all subscribers."""

    position: int
    text: str


class Subscription:
    """What one subscriber wants, and the messages that wait for it. `connection` is its socket, where there is one."""

    def __init__(self, selection: Selection, reader: Reader, connection: socket.socket | None = None) -> None:
        self.selection = selection
        self.reader = reader
        self._connection = connection
        self._ended = threading.Event()
        self._lags = threading.Event()
        self._waiting: queue.Queue[Message | None] = queue.Queue(MOST_WAITING)
        self._sending_since: float | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is to be sent."""
        return self._ended.is_set()

    def put(self, message: Message) -> None:
        """Have `message` sent; never waits. From the first that finds no room on, none is taken."""
        if self._lags.is_set():
            return
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            self._lags.set()

    def get(self, seconds: float) -> Message | None:
        """The next message; None when there is none for `seconds`, at the end, and when it lags behind."""
        try:
            return self._waiting.get(timeout=0 if self._lags.is_set() else seconds)
        except queue.Empty:
            return None

    def catches_up(self) -> bool:
        """Whether messages were left out; what comes from now on is taken again."""
        if not (self._lags.is_set() and self._waiting.empty()):
            return False
        self._lags.clear()
        return True

    def end(self) -> None:
        """Send nothing more, not even what waits."""
        self._ended.set()
        with suppress(queue.Full):
            self._waiting.put_nowait(None)

    def hang_up(self) -> None:
        """Close the connection under a thread that cannot get rid of what it sends."""
        self.end()
        if self._connection is not None:
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def sends(self, *, begins: bool) -> None:
        """Something is sent, or has been."""
        self._sending_since = time.monotonic() if begins else None

    def is_stuck(self) -> bool:
        """Whether the client has taken nothing for long."""
        since = self._sending_since
        return since is not None and time.monotonic() - since > STUCK_SECONDS

    def is_gone(self) -> bool:
        """Whether the client has closed the connection: an idle stream would notice at its next heartbeat but one."""
        if self._connection is None or self._connection.fileno() < 0:
            return False
        poll = select.poll()
        poll.register(self._connection, select.POLLRDHUP)
        return bool(poll.poll(0))
