"""A package index on this machine: the wheels of a directory, for those who know the password."""

import base64
import hashlib
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote


class PackageIndex:
    """Serves while it is entered. Each answer takes `delay_seconds`; `asked` holds the paths of the requests.

    What a package requires is told before its wheel is: uv asks for wheels only to install them. Those that are
    `withdrawn` are still named.
    """

    def __init__(self, wheels: Path, user: str = "", password: str = "") -> None:
        self.delay_seconds = 0.0
        self.asked: list[str] = []
        self.withdrawn: set[str] = set()
        self._held = ""
        self._reached, self._goes_on = threading.Event(), threading.Event()
        self._wheels, self._user, self._password = wheels, user, password
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Its address, with the password."""
        login = f"{quote(self._user, safe='')}:{quote(self._password, safe='')}@" if self._user else ""
        return f"http://{login}127.0.0.1:{self._server.server_port}/simple"

    def __enter__(self) -> "PackageIndex":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @contextmanager
    def holding(self, end: str) -> Iterator[threading.Event]:
        """Answer no request whose path ends so, until the block does; the event tells that there is one."""
        self._held, reached = end, threading.Event()
        self._reached = reached
        self._goes_on.clear()
        try:
            yield reached
        finally:
            self._held = ""
            self._goes_on.set()

    def answer(self, path: str, authorization: str) -> tuple[int, str, bytes]:
        """Status, type and body."""
        self.asked.append(path)
        time.sleep(self.delay_seconds)
        if self._held and path.endswith(self._held):
            self._reached.set()
            self._goes_on.wait()
        expected = base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
        if self._user and authorization != f"Basic {expected}":
            return 401, "text/plain", b""
        _, area, name, *_ = path.split("/")
        if area == "files" and name in self.withdrawn:
            return 404, "text/plain", b""
        if area == "files" and (file := self._wheels / name).is_file():
            return 200, "application/octet-stream", file.read_bytes()
        if area == "files" and (file := self._wheels / name.removesuffix(".metadata")).is_file():
            return 200, "text/plain", _metadata(file)
        page = "".join(_link(file) for file in sorted(self._wheels.glob("*.whl")) if file.name.startswith(f"{name}-"))
        return (200, "text/html", page.encode()) if area == "simple" and page else (404, "text/plain", b"")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        index = self

        class IndexHandler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                status, kind, body = index.answer(self.path, self.headers.get("Authorization", ""))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                # A build that was ended no longer waits for it.
                with suppress(ConnectionError):
                    if self.command == "GET":
                        self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Not on the terminal."""

        return IndexHandler


def _metadata(file: Path) -> bytes:
    with zipfile.ZipFile(file) as wheel:
        return wheel.read(next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")))


def _link(file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    link = f"/files/{file.name}#sha256={digest}"
    return f'<a href="{link}" data-core-metadata="true" data-dist-info-metadata="true">{file.name}</a>\n'
