"""The connection of a client, on which every read and write has a time limit."""

import errno
import math
import select
import socket
import termios
import time
from array import array
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from fcntl import ioctl
from threading import Semaphore

from django.conf import settings

# The time for the head of a request, counted from its first byte.
HEAD_SECONDS = 10.0

# A thread that waits longer than this for its client, in all waits of a request together, needs a slot.
UNCOUNTED_SECONDS = 0.5

_RESET_ON_CLOSE = array("i", (1, 0)).tobytes()


class TooSlowError(TimeoutError):
    """The client took too long, or no slot was free to wait for it."""


class ClientSocket(socket.socket):
    """A connection on which every wait has an end.

    The head of a request may take ten seconds. A body may take `UDAPI_TRANSFER_SECONDS`, and so may an answer of known
    length; neither may pause for `UDAPI_SILENCE_SECONDS`. A thread that waits for its client holds a slot meanwhile:
    the one that the request holds anyway (`hold`), or one of those for slow clients.

    The descriptor never blocks. A time-out that gunicorn sets is one more limit of `recv` and `sendall`.
    """

    # Of the current request: whether its head is read, whether its client was too slow to send or to receive.
    has_head: bool
    is_late: bool
    is_stuck: bool
    # Its headers as gunicorn parsed them, in order: WSGI joins repeated ones.
    headers: Sequence[tuple[str, str]]
    # Ends the connection with the current answer and announces that: WSGI gives the application no header for it.
    close_after_answer: Callable[[], None]

    def __init__(self, accepted: socket.socket, slow_clients: Semaphore) -> None:
        """Take over the descriptor of `accepted`. `slow_clients` are the slots for requests that hold none."""
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        super().setblocking(False)
        self._timeout: float | None = None
        self._slow_clients = slow_clients
        self._slots, self._holds_slot = ExitStack(), False
        self.begin_request()

    # --- The course of a request ---

    def begin_request(self) -> None:
        self.has_head = self.is_late = self.is_stuck = False
        self.headers = ()
        self._uncounted = UNCOUNTED_SECONDS
        self._read_until = time.monotonic() + HEAD_SECONDS
        self._write_until: float | None = None

    def begin_body(self, headers: Sequence[tuple[str, str]], close: Callable[[], None]) -> None:
        """Start the time of the body, after the `headers`; `close` becomes `close_after_answer`."""
        self.has_head, self.headers, self.close_after_answer = True, headers, close
        self._read_until = time.monotonic() + settings.UDAPI_TRANSFER_SECONDS

    def begin_stream(self) -> None:
        """Let the answer go on for as long as the client receives it."""
        self._write_until = math.inf

    def end_request(self) -> None:
        """Release the slot, because the answer is sent or given up."""
        self._holds_slot = False
        self._slots.close()

    def hold(self, slot: AbstractContextManager[None]) -> None:
        """Hold `slot` until the answer is sent."""
        self._slots.enter_context(slot)
        self._holds_slot = True

    def abort(self) -> None:
        """Close, and discard what the client has not received."""
        self.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.close()

    def has_data(self, seconds: float = 0) -> bool:
        """Whether there is data to read, or the end, within `seconds`."""
        return self._is_ready(select.POLLIN, seconds)

    # --- What gunicorn calls ---

    def settimeout(self, value: float | None, /) -> None:
        self._timeout = value

    def gettimeout(self) -> float | None:
        return self._timeout

    def setblocking(self, flag: bool, /) -> None:
        self._timeout = None if flag else 0.0

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """The next bytes; empty at the end.

        Raises:
            TooSlowError, BlockingIOError.
        """
        while True:
            try:
                return super().recv(bufsize, flags)
            except BlockingIOError:
                if not self._waits(select.POLLIN, self._read_until):
                    raise self._too_slow(select.POLLIN) from None

    def sendall(self, data: bytes, flags: int = 0, /) -> None:  # type: ignore[override]  # the server sends bytes
        """Send all of `data`.

        Raises:
            TooSlowError, BlockingIOError.
        """
        left = memoryview(data)
        while left:
            try:
                left = left[self.send(left, flags) :]
            except BlockingIOError:
                self._wait_for_room()

    # --- Waiting ---

    def _wait_for_room(self) -> None:
        """Wait until there is room to send. A client that receives anything at all is not silent."""
        if self._write_until is None:
            self._write_until = time.monotonic() + settings.UDAPI_TRANSFER_SECONDS
        unconfirmed = self._unconfirmed()
        while not self._waits(select.POLLOUT, self._write_until):
            before, unconfirmed = unconfirmed, self._unconfirmed()
            if unconfirmed >= before or time.monotonic() >= self._write_until:
                raise self._too_slow(select.POLLOUT)

    def _waits(self, event: int, until: float) -> bool:
        """Whether `event` comes in time."""
        if self._timeout == 0:
            raise BlockingIOError(errno.EAGAIN, "this would wait")
        seconds = min(settings.UDAPI_SILENCE_SECONDS, until - time.monotonic())
        if self._timeout is not None:
            seconds = min(seconds, self._timeout)
        if self._holds_slot:
            return self._is_ready(event, seconds)
        begun, uncounted = time.monotonic(), min(seconds, self._uncounted)
        if is_ready := self._is_ready(event, uncounted):
            self._uncounted -= min(uncounted, time.monotonic() - begun)
        elif uncounted < seconds:
            self._take_slot(event)
            return self._is_ready(event, seconds - uncounted)
        return is_ready

    def _is_ready(self, event: int, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self, event)
        return bool(poll.poll(max(0.0, seconds) * 1_000))

    def _take_slot(self, event: int) -> None:
        if not self._slow_clients.acquire(blocking=False):
            raise self._too_slow(event)
        self._slots.callback(self._slow_clients.release)
        self._holds_slot = True

    def _unconfirmed(self) -> int:
        """Bytes sent that the client's machine has not confirmed."""
        size = array("i", [0])
        ioctl(self, termios.TIOCOUTQ, size)
        return size[0]

    def _too_slow(self, event: int) -> TooSlowError:
        self.is_late = self.is_late or event == select.POLLIN
        self.is_stuck = self.is_stuck or event == select.POLLOUT
        return TooSlowError(errno.ETIMEDOUT, "the client took too long")
