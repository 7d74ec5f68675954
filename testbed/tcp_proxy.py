"""A loopback TCP proxy before a Unix socket that a test can slow down or silence, as a bad network does."""

import socket
import threading
import time
from contextlib import suppress

_CHUNK_BYTES = 64 * 1024


class TcpProxy:
    """Carries bytes between the clients of `port` and the Unix socket `path`.

    Once a connection has carried a request that contains `marker`, its replies are `delay` seconds late.
    While `is_silent`, bytes in both directions are dropped, and no connection is closed.
    """

    def __init__(self, path: str) -> None:
        self.marker, self.delay, self.is_silent = b"", 0.0, False
        self._path = path
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._path)
                self._open += [caller, server]
                late = threading.Event()
                for source, target, marks in ((caller, server, True), (server, caller, False)):
                    threading.Thread(target=self._carry, args=(source, target, late, marks), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, late: threading.Event, marks: bool) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK_BYTES):
                if self.is_silent:
                    continue
                if marks and self.marker and self.marker in data:
                    late.set()
                if not marks and late.is_set():
                    time.sleep(self.delay)
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
