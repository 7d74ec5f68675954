"""One subscriber of the live stream, between the hub's thread, which brings messages, and the one that sends them."""

import queue
import select
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from events.selection import Selection
from events.visibility import Reader

MOST_WAITING = 256
"""Messages queued for a subscriber. The subscriber reads any others from the database, at its own pace."""

STUCK_SECONDS = 10.0
"""A client that takes nothing for this long is disconnected, which frees its thread. It can resume later."""


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """An event as the stream sends it, rendered once for all subscribers."""

    position: int
    text: str


class Subscription:
    """What one subscriber wants, and the messages queued for it. `connection` is its socket, if known."""

    def __init__(self, selection: Selection, reader: Reader, connection: socket.socket | None = None) -> None:
        self.selection = selection
        self.reader = reader
        self._connection = connection
        self._ended = threading.Event()
        self._lags = threading.Event()
        self._waiting: queue.Queue[StreamMessage | None] = queue.Queue(MOST_WAITING)
        self._sending_since: float | None = None

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    def put(self, message: StreamMessage) -> None:
        """Queue `message`, without ever waiting. Once the queue is full, messages are dropped until `catches_up`."""
        if self._lags.is_set():
            return
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            self._lags.set()

    def get(self, seconds: float) -> StreamMessage | None:
        """The next message; None if none arrives within `seconds`, at the end, and if messages were dropped."""
        try:
            return self._waiting.get(timeout=0 if self._lags.is_set() else seconds)
        except queue.Empty:
            return None

    def catches_up(self) -> bool:
        """Whether messages were dropped, and all others are sent; from now on messages are queued again."""
        if not (self._lags.is_set() and self._waiting.empty()):
            return False
        self._lags.clear()
        return True

    def end(self) -> None:
        """Send nothing more, not even what is queued."""
        self._ended.set()
        with suppress(queue.Full):
            self._waiting.put_nowait(None)

    def hang_up(self) -> None:
        """Close the connection while a thread is stuck in sending to it."""
        self.end()
        if self._connection is not None:
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def sends(self, *, begins: bool) -> None:
        """Called before and after each part of the stream is sent."""
        self._sending_since = time.monotonic() if begins else None

    def is_stuck(self) -> bool:
        """Whether the client has taken nothing for `STUCK_SECONDS`."""
        since = self._sending_since
        return since is not None and time.monotonic() - since > STUCK_SECONDS

    def is_gone(self) -> bool:
        """Whether the client has closed the connection. Sending would show that only after two heartbeats."""
        if self._connection is None or self._connection.fileno() < 0:
            return False
        poll = select.poll()
        poll.register(self._connection, select.POLLRDHUP)
        return bool(poll.poll(0))
