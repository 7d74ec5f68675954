"""The HTTP server of `/metrics` in a program that has no other: small, and with a limit on everything."""

import io
import logging
import socket
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Final

from foundation.exposition import PATH, MetricsPage, is_authorized

MOST_CONNECTIONS: Final = 4
LARGEST_HEAD_BYTES: Final = 8 * 1024
HEAD_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0

_log = logging.getLogger("udapi.manager")


class ScrapeHandler(BaseHTTPRequestHandler):
    """Answers one request, and closes the connection."""

    server: "MetricsServer"
    server_version, sys_version = "udapi", ""

    def setup(self) -> None:
        super().setup()
        # From now on, the request is all there, or not worth an answer.
        self.rfile = io.BytesIO(_head(self.connection))
        # For the whole answer: `sendall` does not begin anew after each part.
        self.connection.settimeout(ANSWER_SECONDS)

    def do_GET(self) -> None:
        """Answer a scrape."""
        if self.path.partition("?")[0] != PATH:
            self._answer(HTTPStatus.NOT_FOUND)
        elif not is_authorized(self.headers.get("Authorization", ""), self.server.token):
            self._answer(HTTPStatus.UNAUTHORIZED, header=("WWW-Authenticate", "Bearer"))
        else:
            text, content_type = self.server.page.render(self.headers.get("Accept", ""))
            self._answer(HTTPStatus.OK, text, ("Content-Type", content_type))

    def _refuse_method(self) -> None:
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, header=("Allow", "GET"))

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _refuse_method  # noqa: N815  the library's names

    def _answer(self, status: HTTPStatus, text: bytes = b"", header: tuple[str, str] | None = None) -> None:
        self.send_response(status)
        if header is not None:
            self.send_header(*header)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Nothing: what a client sends may be a secret."""


def _head(connection: socket.socket) -> bytes:
    """The head of a request; empty if it is too large, too slow or incomplete."""
    head, until = b"", time.monotonic() + HEAD_SECONDS
    while b"\r\n\r\n" not in head:
        left = until - time.monotonic()
        if left <= 0 or len(head) > LARGEST_HEAD_BYTES:
            return b""
        connection.settimeout(left)
        try:
            received = connection.recv(LARGEST_HEAD_BYTES)
        except OSError:
            return b""
        if not received:
            return b""
        head += received
    return head if len(head) <= LARGEST_HEAD_BYTES else b""


class MetricsServer(ThreadingMixIn, TCPServer):
    """Serves `page` to clients that have the `token`, in threads that end with the program."""

    allow_reuse_address = daemon_threads = True
    block_on_close = False

    def __init__(self, address: str, port: int, token: str, page: MetricsPage) -> None:
        """Raises OSError if nothing can listen there."""
        self.token, self.page = token, page
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((address, port), ScrapeHandler)

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, name="metrics", daemon=True).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread; beyond `MOST_CONNECTIONS`, connections are closed at once."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:
            self._free.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log a fault of the page; a client that goes away is none."""
        if not isinstance(sys.exc_info()[1], OSError):
            _log.exception("a scrape of metrics failed")
