"""A server behind nginx that answers what a test wants, and records the requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Upstream:
    """`asked` has the paths in their order, `fields` the headers of each request."""

    port: int
    asked: list[str] = field(default_factory=list)
    fields: list[list[tuple[str, str]]] = field(default_factory=list)


@contextmanager
def upstream(**headers: str) -> Iterator[Upstream]:
    """Meanwhile every GET and POST is answered with `headers`, in whose names an underscore is a hyphen."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def do_GET(self) -> None:
            found.asked.append(self.path)
            found.fields.append(self.headers.items())
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", "8")
            self.end_headers()
            self.wfile.write(b"upstream")

        def log_message(self, *arguments: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Upstream(server.server_port)
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
