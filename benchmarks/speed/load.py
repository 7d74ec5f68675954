"""Two kinds of load: as fast as answers come (`wrk`), and at a constant rate whatever comes back."""

import asyncio
import json
import select
import selectors
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.speed.contenders import BODY, Contender

PERCENTILES = (50, 90, 95, 99)

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
    """What came of a load: answers, those that were no success, and percentiles of the time in milliseconds."""

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
        # The secret goes by file: an argument could be seen by everybody on the machine.
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
    """`rate` calls a second; each one's time begins when it was due, so a stall counts for all that wait behind it."""
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(_Punctual())) as runner:
        return runner.run(_Constant(contender).run(rate, int(rate * seconds)))


class _Punctual(selectors.EpollSelector):
    """Waits to the microsecond: the usual one counts in milliseconds, and each call would be half of one late."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready within `timeout` seconds."""
        if timeout is None or timeout > 0:
            select.select([self.fileno()], [], [], timeout)
        return super().select(0)


class _Constant:
    """Callers with connections of their own, as many as are needed at once."""

    def __init__(self, contender: Contender) -> None:
        parts = urlsplit(contender.url)
        self._host, self._port = str(parts.hostname), int(parts.port or 80)
        self._requests = [_request(parts.path, parts.netloc, headers) for headers in contender.headers]
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._times: list[float] = []
        self._bad = 0

    async def run(self, rate: float, count: int) -> Load:
        begun = time.perf_counter() + 0.1
        calls = []
        for number in range(count):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            calls.append(asyncio.create_task(self._call(due, self._requests[number % len(self._requests)])))
        await asyncio.gather(*calls)
        seconds = time.perf_counter() - begun
        for _, writer in self._free:
            writer.close()
        return Load(count, seconds, self._bad, percentiles(self._times))

    async def _call(self, due: float, request: bytes) -> None:
        reader, writer = self._free.pop() if self._free else await asyncio.open_connection(self._host, self._port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_length(head))
        self._times.append((time.perf_counter() - due) * 1_000)
        self._bad += head.split(b" ", 2)[1] != b"200"
        self._free.append((reader, writer))


def percentiles(times: Sequence[float]) -> dict[int, float]:
    """Of `times`, by nearest rank."""
    ordered = sorted(times)
    return {p: ordered[min(len(ordered) - 1, len(ordered) * p // 100)] for p in PERCENTILES}


def _request(path: str, host: str, headers: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: text/plain", f"Content-Length: {len(BODY)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + BODY).encode()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise SystemExit("an answer without Content-Length")
