"""Two kinds of load: a closed loop (`wrk`), and calls at a constant rate however late the answers are."""

import json
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from benchmarks.speed.contenders import BODY, Contender

PERCENTILES = (50, 90, 95, 99)

_PATIENCE_SECONDS = 60.0
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")

_LUA = """
local callers = {callers}
local turn = 0
wrk.method = "POST"
wrk.body = "{body}"
request = function()
  turn = turn % #callers + 1
  return wrk.format(nil, nil, callers[turn])
end
done = function(summary, latency)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format('RESULT {{"requests": %d, "seconds": %f, "refused": %d, "failed": %d', summary.requests,
    summary.duration / 1e6, summary.errors.status, failed))
  for _, p in pairs({{50, 90, 95, 99}}) do io.write(string.format(', "%d": %f', p, latency:percentile(p) / 1e3)) end
  io.write('}}\\n')
end
"""


@dataclass(frozen=True)
class Load:
    """The result of a load: the answers, how many calls failed, and percentiles of the time in milliseconds."""

    requests: int
    seconds: float
    bad: int
    milliseconds: dict[int, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.requests / self.seconds


def closed(contender: Contender, connections: int, seconds: float) -> Load:
    """`connections` callers, each of which calls again as soon as it is answered."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("wrk is missing: install it (Debian, Ubuntu: apt install wrk)")
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "post.lua"
        # The file holds the secret: everybody on the machine can see arguments.
        script.write_text(_LUA.format(callers=_callers(contender), body=BODY))
        script.chmod(0o600)
        command = [program, "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "60s", "-s", str(script)]
        output = subprocess.run([*command, contender.url], check=True, capture_output=True, text=True).stdout
    found = json.loads(output.split("RESULT ")[1].splitlines()[0])
    bad = found["refused"] + found["failed"]
    return Load(found["requests"], found["seconds"], bad, {p: found[str(p)] for p in PERCENTILES})


def _callers(contender: Contender) -> str:
    tables = [
        ", ".join(f'["{name}"] = "{value}"' for name, value in ({"Content-Type": "text/plain"} | headers).items())
        for headers in contender.headers
    ]
    return "{" + ", ".join(f"{{{table}}}" for table in tables) + "}"


def constant(contender: Contender, rate: float, seconds: float) -> Load:
    """`rate` calls a second. A call is timed from when it was due, so a stall delays all calls behind it."""
    with _Constant(contender) as callers:
        return callers.run(rate, int(rate * seconds))


@dataclass
class _Call:
    """A call that was due at `due` (seconds of the performance counter), and its answer so far."""

    connection: socket.socket
    due: float
    answer: bytes = b""


class _Constant:
    """As many connections as are needed at once; the one that was used last is used first.

    One `epoll` in a single thread, because the processor time of the generator slows down the contender.
    """

    def __init__(self, contender: Contender) -> None:
        parts = urlsplit(contender.url)
        self._address = str(parts.hostname), int(parts.port or 80)
        self._requests = [_request(parts.path, parts.netloc, headers) for headers in contender.headers]
        self._epoll = select.epoll()
        self._free: list[socket.socket] = []
        self._calls: dict[int, _Call] = {}
        self._times: list[float] = []
        self._bad = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in [*self._free, *(call.connection for call in self._calls.values())]:
            connection.close()
        self._epoll.close()

    def run(self, rate: float, count: int) -> Load:
        begun = time.perf_counter() + 0.1
        for number in range(count):
            due = begun + number / rate
            while (left := due - time.perf_counter()) > 0:
                self._receive(left)
            self._send(due, self._requests[number % len(self._requests)])
        while self._calls:
            self._receive(_PATIENCE_SECONDS)
        return Load(count, time.perf_counter() - begun, self._bad, percentiles(self._times))

    def _send(self, due: float, request: bytes) -> None:
        connection = self._free.pop() if self._free else self._connect()
        self._calls[connection.fileno()] = _Call(connection, due)
        connection.sendall(request)

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._address, _PATIENCE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._epoll.register(connection, select.EPOLLIN)
        return connection

    def _receive(self, seconds: float) -> None:
        """Receive what arrives within `seconds`. `select` waits, because `epoll` is only exact to a millisecond."""
        if not select.select([self._epoll], [], [], seconds)[0] and seconds >= _PATIENCE_SECONDS:
            raise SystemExit(f"{len(self._calls)} calls were not answered")
        for descriptor, _ in self._epoll.poll(0):
            call = self._calls[descriptor]
            piece = call.connection.recv(65_536)
            if not piece:
                raise SystemExit("a connection was closed instead of an answer")
            call.answer += piece
            if _is_whole(call.answer):
                self._times.append((time.perf_counter() - call.due) * 1_000)
                self._bad += call.answer.split(b" ", 2)[1] != b"200"
                self._free.append(self._calls.pop(descriptor).connection)


def percentiles(times: Sequence[float]) -> dict[int, float]:
    """The `PERCENTILES` of `times`, by nearest rank."""
    ordered = sorted(times)
    return {p: ordered[min(len(ordered) - 1, len(ordered) * p // 100)] for p in PERCENTILES}


def _request(path: str, host: str, headers: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: text/plain", f"Content-Length: {len(BODY)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + BODY).encode()


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    length = _LENGTH.search(head)
    if length is None:
        raise SystemExit("an answer without Content-Length")
    return len(body) >= int(length[1])
