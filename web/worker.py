"""gunicorn's threaded worker, hardened against slow clients."""

import errno
import time
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from threading import BoundedSemaphore
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from web import threads
from web.client_socket import HEAD_SECONDS, ClientSocket
from web.shutdown import shutdown

# How long a thread stays with its client after an answer: enough for a client that calls 25 times a second.
NEXT_REQUEST_SECONDS = 0.04

# How much a refused client may still send. A reset before that would cost it the answer.
LARGEST_FAREWELL_BYTES = 64 * 1024 * 1024

_NO_CONNECTION = frozenset({errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK})


class WebWorker(ThreadWorker):  # type: ignore[misc]
    """Reads and sends within time limits. When it ends, it closes the port and live streams at once.

    The stock worker keeps the port until its last trigger is answered: after a `kill -9` of the master no new one
    could listen meanwhile, and clients would wait for connections that nobody accepts.
    """

    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._slow_clients = BoundedSemaphore(threads.for_slow_clients())

    def accept(self, listener: Any) -> None:
        """Accept a connection, which takes a thread once there is something to read; the stock worker waits in one."""
        try:
            accepted, client = listener.accept()
        except OSError as error:
            if error.errno in _NO_CONNECTION:
                return
            raise
        self.nr_conns += 1
        conn = TConn(self.cfg, ClientSocket(accepted, self._slow_clients), client, listener.getsockname())
        if conn.sock.has_data():
            conn.data_ready = True
            self.enqueue_req(conn)
        else:
            conn.timeout = time.monotonic() + HEAD_SECONDS
            self.pending_conns.append(conn)
            self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle(self, conn: Any) -> Any:
        """Serve a request, and those of the same connection that follow at once.

        A client that calls again as soon as it is answered keeps its thread: the way through the main thread and back
        takes a fifth of the processor time that this server needs for a trigger.
        """
        goes_on = self._serve(conn)
        while goes_on is True and self.alive and self._has_time() and _says_more(conn):
            goes_on = self._serve(conn)
        return goes_on

    def _has_time(self) -> bool:
        """Whether no request waits for a thread: otherwise busy clients would lock all others out."""
        return bool(self.tpool._work_queue.empty())

    def _serve(self, conn: Any) -> Any:
        """Serve a request, and close the connection in this thread after its last one.

        The stock worker closes in its main thread: a client that kept its end open would block everybody for two
        seconds.
        """
        connection: ClientSocket = conn.sock
        connection.begin_request()
        try:
            goes_on = super().handle(conn)
        finally:
            connection.end_request()
        if not goes_on:
            _see_off(connection)
        return goes_on

    def handle_request(self, req: Any, conn: Any) -> Any:
        conn.sock.begin_body(req.headers, req.force_close)
        return super().handle_request(req, conn)

    def is_parent_alive(self) -> bool:
        """Whether the master is there; without it this worker ends."""
        self.alive = self.alive and super().is_parent_alive()
        return self.alive

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End at once. Python itself waits for threads, so streams have to end, too."""
        shutdown.begin()
        super().handle_quit(sig, frame)

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not self.alive:
            shutdown.begin()
            for listener in self.sockets:
                listener.close()
            for conn in self.pending_conns:
                conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)


def _says_more(conn: Any) -> bool:
    """Whether the next request of the connection is there, or comes within a moment."""
    return bool(conn.parser.unreader.buf.getvalue()) or conn.sock.has_data(NEXT_REQUEST_SECONDS)


def _see_off(connection: ClientSocket) -> None:
    if connection.is_stuck:
        connection.abort()
        return
    if connection.is_late and not connection.has_head:
        with suppress(OSError):
            util.write_error(connection, 408, "Request Timeout", "The head of the request took too long.")
    try:
        util.close_graceful(connection, max_drain=LARGEST_FAREWELL_BYTES)
    finally:
        connection.end_request()
