"""HTTP by hand: requests that a client library would correct are sent as they are."""

import json
import select
import socket
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import httpx


@dataclass(frozen=True)
class RawResponse:
    """One response, read as `httpx.Response` is."""

    status_line: str
    fields: list[tuple[str, str]]
    content: bytes

    @property
    def status_code(self) -> int:
        return int(self.status_line.split()[1])

    @property
    def headers(self) -> httpx.Headers:
        return httpx.Headers([(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.fields])

    def json(self) -> Any:
        return json.loads(self.content)


def head(method: str, target: str, *headers: tuple[str, str]) -> bytes:
    """Request line and headers; a `Host` is added unless there is one."""
    given = headers if any(name == "Host" for name, _ in headers) else (("Host", "localhost"), *headers)
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunked(parts: Iterable[bytes], end: bytes = b"0\r\n\r\n") -> bytes:
    """A chunked body."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end


class Connection:
    """One connection to a gunicorn, from the address `source` if it is given; ends with its `with` block."""

    def __init__(self, url: str, seconds: float = 60, source: str = "") -> None:
        address = httpx.URL(url)
        self.socket = socket.create_connection((address.host, address.port or 80), seconds, (source, 0))
        self._file: BinaryIO = self.socket.makefile("rb")

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.socket.sendall(part)

    def end_of_sending(self) -> None:
        """End the sending side; the answer can still be read."""
        self.socket.shutdown(socket.SHUT_WR)

    def answer(self, method: str = "GET") -> RawResponse:
        """The next response; ConnectionError when the connection was closed instead."""
        status_line = self._line()
        if not status_line:
            raise ConnectionError("closed without an answer")
        fields = []
        while line := self._line():
            name, _, value = line.partition(":")
            fields.append((name, value.strip(" \t")))
        answer = RawResponse(status_line, fields, b"")
        return replace(answer, content=self._body(method, answer.status_code, answer.headers))

    def early_answer(self) -> RawResponse | None:
        """The response if it has begun to arrive."""
        return self.answer() if select.select([self.socket], [], [], 0)[0] else None

    def is_closed(self) -> bool:
        """Whether the server has closed; waits for a byte if it has not."""
        try:
            return self._file.read(1) == b""
        except ConnectionError:
            return True

    def _body(self, method: str, status: int, headers: httpx.Headers) -> bytes:
        if method == "HEAD" or status in (204, 304) or status < 200:
            return b""
        if headers.get("Transfer-Encoding") == "chunked":
            return b"".join(iter(self._chunk, b""))
        if "Content-Length" in headers:
            return self._file.read(int(headers["Content-Length"]))
        return self._file.read()

    def _chunk(self) -> bytes:
        content = self._file.read(int(self._line(), 16))
        self._line()
        return content

    def _line(self) -> str:
        return self._file.readline().decode("latin-1").rstrip("\r\n")


def exchange(url: str, *parts: bytes, method: str = "GET", source: str = "") -> RawResponse:
    """One request, as bytes, and its answer on a connection of its own."""
    with Connection(url, source=source) as connection:
        connection.send(*parts)
        return connection.answer(method)
