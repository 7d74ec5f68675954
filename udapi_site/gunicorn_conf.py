"""gunicorn's settings (`-c python:udapi_site.gunicorn_conf`)."""

import gc
import logging
import os
import resource
import select
import socket
import struct
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.signals import request_started
from django.db import connections, reset_queries
from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from automation.host import linux
from endpoint import patience
from udapi_site import ending, logs
from udapi_site import threads as shares

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "udapi_site.settings")

CLIENT_SILENCE_SECONDS = 60
"""A client that says nothing for so long in the middle of a request gives its thread back."""

HEAD_SECONDS = 10
"""The time for the head of a request, from its first byte on."""

NEXT_REQUEST_MILLISECONDS = 40
"""How long a thread stays with its client after an answer: longer than one pauses who calls 25 times a second."""

IDLE_CONNECTIONS = 1_000
"""Kept-alive connections of a worker process; they take no thread."""


LARGEST_FAREWELL_BYTES = 64 * 1024 * 1024
"""What a client may still send behind a refused request's answer, so that he reads it before he sees a reset."""


class WebWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, which lets go of the port, and ends live streams, as soon as it is to end.

    The stock one keeps it until its last trigger is answered: after a `kill -9` of the master no new one
    could listen meanwhile, and clients would wait for connections that nobody accepts.
    """

    alive: bool

    def handle(self, conn: Any) -> Any:
        """Serve a request of a connection, and those that follow at once.

        A client that calls again as soon as he is answered keeps his thread: the way through the main thread and back
        takes a fifth of the processor time that this server needs for a trigger.
        """
        goes_on = self._serve(conn)
        while goes_on is True and self.alive and self._has_time() and _says_more(conn):
            goes_on = self._serve(conn)
        return goes_on

    def _has_time(self) -> bool:
        """Whether nobody waits for a thread: else clients that call without end would keep everybody out."""
        return bool(self.tpool._work_queue.empty())

    def _serve(self, conn: Any) -> Any:
        """Serve a request, and see the client off here when it was the last of its connection.

        The stock worker does that in its main thread: whoever kept his end open would keep everybody out for
        two seconds. It also waits without end for the head of a request.
        """
        patience.begin(conn.sock, HEAD_SECONDS)
        try:
            goes_on = super().handle(conn)
        finally:
            is_late = patience.end(conn.sock)
        if is_late:
            with suppress(OSError):
                util.write_error(conn.sock, 408, "Request Timeout", "The head of the request took too long.")
        if not goes_on:
            util.close_graceful(conn.sock, max_drain=LARGEST_FAREWELL_BYTES)
        return goes_on

    def handle_request(self, req: Any, conn: Any) -> Any:
        """The head is there; how long the body may take is for the application to say."""
        patience.end(conn.sock)
        return super().handle_request(req, conn)

    def is_parent_alive(self) -> bool:
        """Whether the master is still there; without it this worker is to end."""
        self.alive = self.alive and super().is_parent_alive()
        return self.alive

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End without waiting for anybody; Python itself waits for threads."""
        ending.begin()
        super().handle_quit(sig, frame)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept connections or not, for now or for good."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            ending.begin()
            for listener in self.sockets:
                listener.close()


def _says_more(conn: Any) -> bool:
    """Whether the next request of a connection is there, or comes within a moment."""
    if conn.parser.unreader.buf.getvalue():
        return True
    poll = select.poll()
    poll.register(conn.sock, select.POLLIN)
    return bool(poll.poll(NEXT_REQUEST_MILLISECONDS))


class _ClientFaults(logging.Filter):
    """Cuts what a client sent out of gunicorn's complaint about it, for it may hold a secret; silence is no fault."""

    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith("Invalid request from"):
            record.msg = str(record.msg).replace('"', "'").partition("'")[0]
        return not (record.exc_info and isinstance(record.exc_info[1], BlockingIOError))


class WebLogger(Logger):  # type: ignore[misc]
    """gunicorn's logger, in our form and without what a client sent."""

    def setup(self, cfg: Any) -> None:
        """Set up, and set up again when the configuration is read anew."""
        super().setup(cfg)
        self.error_log.addFilter(_CLIENT_FAULTS)
        for handler in self.error_log.handlers:
            handler.setFormatter(logs.LineFormatter())


_CLIENT_FAULTS = _ClientFaults()
_host = f"[{settings.UDAPI_HOST}]" if ":" in settings.UDAPI_HOST else settings.UDAPI_HOST

bind = [f"{_host}:{settings.UDAPI_PORT}"]
proc_name = "udapi"
worker_class = WebWorker
workers = settings.UDAPI_WEB_WORKERS
threads = shares.total()
worker_connections = threads + IDLE_CONNECTIONS
# Loaded once and shared by all worker processes: half the memory. Nothing is connected before the fork.
preload_app = True

# Longer than the usual 60 s of a proxy: it is the proxy that gives an idle connection up, not we under its request.
keepalive = 75
# The heartbeat of a worker process; a waiting trigger does not hold it up.
timeout = 60
graceful_timeout = settings.UDAPI_TRIGGER_TIMEOUT_SECONDS + 5
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None  # noqa: S108  heartbeats, no disk

# What is longer gets gunicorn's own 414 and 431; 8,190 is the most that it takes.
limit_request_line = 8_190
limit_request_fields = 100
limit_request_field_size = 8_190
# One parser everywhere, whatever else is installed.
http_parser = "python"

# Nobody but a trusted proxy says what the scheme was, and nobody at all sets parts of the WSGI environment.
forwarded_allow_ips = ",".join(settings.UDAPI_TRUSTED_PROXIES)
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
forwarder_headers = ""
header_map = "drop"
control_socket_disable = True

# Each trigger leaves two lines in endpoint.log; what gunicorn itself says goes to standard error.
accesslog = None
errorlog = "-"
logger_class = WebLogger


def on_starting(server: Any) -> None:
    """Allow as many descriptors as the system does: a waiting trigger takes up to six. Keep no memory of bodies."""
    linux.return_large_blocks()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def when_ready(server: Any) -> None:
    """Prepare what worker processes inherit: the time-outs of connections, and memory that stays shared."""
    silence = struct.pack("ll", CLIENT_SILENCE_SECONDS, 0)
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, silence)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, silence)
    gc.collect()
    gc.freeze()


def pre_request(worker: Any, req: Any) -> None:
    """Let the application end a connection: WSGI leaves it no header for that."""
    req.body.close_connection = req.force_close


def pre_fork(server: Any, worker: Any) -> None:
    """Close what loading the application may have opened: two processes must never share a connection."""
    connections.close_all()


def post_worker_init(worker: Any) -> None:
    """Log to `endpoint.log` from here on, and leave out what is of use with `DEBUG` alone."""
    logs.to_file("endpoint.log", settings.UDAPI_LOGS)
    # It empties lists of queries that nobody fills, for a twentieth of this server's time for a trigger.
    request_started.disconnect(reset_queries)
