"""Clients that send and receive slowly, over connections whose buffers are small."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.endpoint.wire import Connection

PIECE_SECONDS = 0.2


@contextmanager
def trickling(*connections: Connection, piece: bytes = b"x") -> Iterator[None]:
    """Meanwhile send `piece` on each of `connections` five times a second, until it is closed."""
    is_over = threading.Event()

    def trickle() -> None:
        while not is_over.wait(PIECE_SECONDS):
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.socket.send(piece, socket.MSG_DONTWAIT)

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@contextmanager
def receiver(url: str, request: bytes) -> Iterator[socket.socket]:
    """A client that has sent `request` and received the first bytes of its answer; its machine takes little more."""
    address = httpx.URL(url)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.settimeout(60)
        client.connect((address.host, address.port or 80))
        client.sendall(request)
        assert client.recv(12) == b"HTTP/1.1 200"
        yield client


def received(client: socket.socket) -> int:
    """The number of bytes until the connection ends."""
    total = 0
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(65_536):
            total += len(piece)
    return total
