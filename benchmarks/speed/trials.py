"""Trials of our own stack alone: rates, nodes, bodies, cold starts, a crowd of callers, large bodies."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import httpx
import psutil

from benchmarks.speed import usage
from benchmarks.speed.contenders import Contender
from benchmarks.speed.load import PERCENTILES, closed, constant, percentiles
from benchmarks.speed.product import ECHO, publish
from benchmarks.speed.report import Table
from benchmarks.speed.rounds import measure
from benchmarks.stopwatch import seconds
from testbed.stack import Stack

RATES = (40, 80, 160, 240, 320, 400, 480, 560)
PUBLISHED_P95 = 21.0
"""That of the incumbent product at 40 calls a second, in milliseconds."""
SIZES = {"100 B": 100, "10 KB": 10_000, "1 MB": 1_000_000, "30 MB": 30 * 1024 * 1024}
COLD_SCRIPTS, CROWD = 20, 1_000
LARGE_ROUNDS = 5


def rates(us: Contender, seconds: float, rounds: int) -> tuple[Table, dict[float, dict[int, float]]]:
    """Percentiles at constant rates, and the highest rate at which we keep the incumbent's p95."""
    found = {rate: measure([us], partial(constant, rate=rate, seconds=seconds), rounds)[us.name] for rate in RATES}
    times = {float(rate): {p: each.percentile(p) for p in PERCENTILES} for rate, each in found.items()}
    within = max((rate for rate, each in times.items() if each[95] <= PUBLISHED_P95), default=0)
    rows = [[f"{rate:.0f}/s", *(f"{each[p]:.1f} ms" for p in PERCENTILES)] for rate, each in times.items()]
    best = f"Highest rate with p95 ≤ {PUBLISHED_P95:.0f} ms: {within:.0f}/s."
    note = f"Open loop: each call is timed from when it was due. {best}"
    return Table("Constant rates", ["rate", *(f"p{p}" for p in PERCENTILES)], rows, note), times


def nodes(stack: Stack, us: Contender, sleeping: Any, seconds: float) -> Table:
    """Throughput of scripts that sleep, on one node and on two, each pinned to a processor."""
    waits = {"nothing": 0.0, "1 ms": 0.001, "10 ms": 0.01, "100 ms": 0.1}

    def throughput(wait: float) -> float:
        target = Contender(us.name, f"{stack.url}{sleeping.path}?seconds={wait}", us.programs, [sleeping.headers])
        return closed(target, 32, seconds).rate

    processors = sorted(os.sched_getaffinity(0))
    with _pinned(stack.worker.pid, processors[0]):
        one = {name: throughput(wait) for name, wait in waits.items()}
        with stack.another_worker() as other, _pinned(other.pid, processors[-1]):
            two = {name: throughput(wait) for name, wait in waits.items()}
    rows = [[name, f"{one[name]:.0f}/s", f"{two[name]:.0f}/s", f"{two[name] / one[name]:.2f}"] for name in waits]
    title = "Scripts that wait, 32 connections, nodes pinned to a processor each"
    return Table(title, ["script takes", "1 node", "2 nodes", "ratio"], rows)


@contextmanager
def _pinned(pid: int, processor: int) -> Iterator[None]:
    """Pin a worker node, its zygote and its hosts to one processor; what it starts during the block stays there."""
    everywhere = os.sched_getaffinity(0)
    _allow(pid, {processor})
    try:
        yield
    finally:
        _allow(pid, everywhere)


def _allow(pid: int, processors: set[int]) -> None:
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for thread in (thread.id for process in family for thread in process.threads()):
        with suppress(ProcessLookupError):
            os.sched_setaffinity(thread, processors)


def bodies(stack: Stack, us: Contender, api: Any) -> Table:
    """The time of an echo by the size of its body."""
    rows = []
    for name, size in SIZES.items():
        calls = 3 if size > 10_000_000 else 50
        times = _milliseconds(partial(_post, stack.client, api, b"x" * size), calls)
        rows.append([name, f"{percentiles(times)[50]:.1f} ms", f"{percentiles(times)[95]:.1f} ms"])
    return Table("Echo by size of the body, one caller", ["body", "p50", "p95"], rows)


def cold_starts(stack: Stack) -> Table:
    """The time of the first call of new scripts."""
    apis = [publish(f"{ECHO}# {number}\n", f"speed/cold/{number}") for number in range(COLD_SCRIPTS)]
    rows = []
    for name in ("first call", "second call"):
        times = [seconds(partial(_post, stack.client, api, b"x" * 100)) * 1_000 for api in apis]
        rows.append([name, *(f"{percentiles(times)[p]:.1f} ms" for p in (50, 95))])
    return Table("Cold start of a script", ["", "p50", "p95"], rows)


def crowd(stack: Stack, sleeping: Any) -> Table:
    """Memory while a thousand callers wait at once, at a web server with enough threads for them."""
    limits = httpx.Limits(max_connections=CROWD)
    with stack.another_web(UDAPI_WEB_THREADS="640") as web, httpx.Client(limits=limits, timeout=120) as client:
        programs = {"gunicorn": web.process.pid, "worker": stack.worker.pid, "Redis": stack.redis.pid}
        us = Contender("crowd", f"{web.url}{sleeping.path}?seconds=0.1", programs, [sleeping.headers])
        closed(us, 32, 3)
        before = usage.memory(us.programs)
        with ThreadPoolExecutor(CROWD) as callers, _peak(us) as peak:
            answers = list(
                callers.map(lambda _: client.get(us.url, headers=sleeping.headers).status_code, range(CROWD))
            )
    kilobytes = (max(peak) - before) * 1_024 / CROWD
    row = [CROWD, answers.count(200), f"{before:.0f} MB", f"{max(peak):.0f} MB", f"{kilobytes:.0f} KB"]
    return Table("A crowd of waiting callers", ["callers", "answered", "idle", "peak", "per caller"], [row])


def large(stack: Stack, us: Contender, api: Any) -> Table:
    """Memory of echoes of 30 MB, one after the other."""
    size = SIZES["30 MB"]
    before, rows = usage.memory(us.programs), []
    for number in range(1, LARGE_ROUNDS + 1):
        with _peak(us) as peak:
            _post(stack.client, api, b"x" * size)
        time.sleep(3)
        above = (max(peak) - before) / 30
        rows.append([number, f"{max(peak) - before:.0f} MB", f"{above:.1f} x", f"{usage.memory(us.programs):.0f} MB"])
    note = f"{usage.MEMORY_MEASURE} over all processes; idle before: {before:.0f} MB."
    return Table("Echoes of 30 MB", ["call", "peak above idle", "÷ body", "3 s later"], rows, note)


def redis_commands(stack: Stack, us: Contender, api: Any, calls: int = 500) -> Table:
    """Redis commands per trigger, those of Lua scripts included and those of an idle stack subtracted."""
    client: Any = stack.redis_client
    with client() as redis:
        idle = _commands_during(redis, lambda: time.sleep(3)) / 3
        begun = time.monotonic()
        during = _commands_during(redis, lambda: _milliseconds(lambda: _post(stack.client, api, b"x" * 100), calls))
        per_trigger = (during - idle * (time.monotonic() - begun)) / calls
    row = [f"{per_trigger:.1f}", f"{usage.memory(us.programs):.0f} MB"]
    return Table(
        "Redis and memory", ["Redis commands per trigger", f"memory of all processes ({usage.MEMORY_MEASURE})"], [row]
    )


def _commands_during(redis: Any, act: Callable[[], object]) -> int:
    before = usage.commands(redis)
    act()
    return usage.commands(redis) - before


def _post(client: httpx.Client, api: Any, body: bytes) -> None:
    answer = api.call(client, content=body, headers={"Content-Type": "text/plain"})
    if answer.status_code != 200:
        raise SystemExit(f"{api.path}: {answer.status_code} {answer.text[:200]}")


def _milliseconds(act: Callable[[], object], calls: int) -> list[float]:
    """The times of `calls` calls, after one that does not count."""
    return [seconds(act) * 1_000 for _ in range(calls + 1)][1:]


@contextmanager
def _peak(us: Contender) -> Iterator[list[float]]:
    """Samples of the memory in MB during the block, one every 20 ms."""
    found, over = [usage.memory(us.programs)], threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            found.append(usage.memory(us.programs))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
