"""Slow connections, and how much they delay a good client."""

import contextlib
import selectors
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import httpx

from chaos.rows import ReportRow
from testbed.publisher import Api
from testbed.stack import Stack

_BEGINNING = b"POST /api/custom/slow HTTP/1.1\r\nHost: localhost\r\n"
_PIECE = b"X-A: b\r\n"
_PIECE_SECONDS = 2.0
ROUNDS = 5


@contextmanager
def slow_connections(url: str, count: int) -> Iterator[None]:
    """During the block, `count` connections send a request head, a line every two seconds, and never finish it.

    A connection that the server closes is opened again, as an attacker would do.
    """
    stopped = threading.Event()
    thread = threading.Thread(target=_trickle, args=(url, count, stopped))
    thread.start()
    time.sleep(1.0)
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _trickle(url: str, count: int, stopped: threading.Event) -> None:
    sockets = [_begin(url) for _ in range(count)]
    while not stopped.wait(_PIECE_SECONDS):
        closed = _closed(sockets)
        for number, connection in enumerate(sockets):
            if connection in closed or not _send(connection):
                connection.close()
                sockets[number] = _begin(url)
    for connection in sockets:
        connection.close()


def _begin(url: str) -> socket.socket:
    address = urlsplit(url)
    connection = socket.socket()
    with contextlib.suppress(OSError):
        connection.settimeout(5)
        connection.connect((address.hostname, address.port))
        connection.sendall(_BEGINNING)
    return connection


def _send(connection: socket.socket) -> bool:
    try:
        connection.sendall(_PIECE)
    except OSError:
        return False
    return True


def _closed(sockets: list[socket.socket]) -> set[object]:
    """The connections on which the server has sent an error or has hung up."""
    with selectors.DefaultSelector() as selector:
        for connection in sockets:
            if connection.fileno() >= 0:
                selector.register(connection, selectors.EVENT_READ)
        return {key.fileobj for key, _ in selector.select(0)}


def slowest(url: str, api: Api, calls: int) -> tuple[set[int], float]:
    """The statuses of `calls` calls in a row, and the 99th percentile of their times in seconds."""
    times, statuses = [], set()
    with httpx.Client(base_url=url, timeout=60) as client:
        for _ in range(calls):
            begun = time.monotonic()
            statuses.add(api.call(client).status_code)
            times.append(time.monotonic() - begun)
    return statuses, sorted(times)[max(0, len(times) * 99 // 100 - 1)]


def beside(name: str, url: str, api: Api, *, connections: int, calls: int) -> ReportRow:
    """A good client with and without slow connections, in turns; its p99 may at most double (median of the turns)."""
    before, meanwhile, heard = [], [], set()
    for _ in range(ROUNDS):
        statuses, alone = slowest(url, api, calls // ROUNDS)
        before.append(alone)
        with slow_connections(url, connections):
            others, beside = slowest(url, api, calls // ROUNDS)
        meanwhile.append(beside)
        heard |= statuses | others
    usual, slowed = statistics.median(before), statistics.median(meanwhile)
    is_good = heard == {200} and slowed <= 2 * usual
    note = f"p99 {usual * 1000:.0f} ms alone, {slowed * 1000:.0f} ms beside {connections} slow connections"
    if heard != {200}:
        note += f"; answers {sorted(heard)}"
    return ReportRow(name, calls, calls if is_good else 0, max(meanwhile), note)


def straight(stack: Stack, api: Api, *, connections: int, calls: int) -> ReportRow:
    """The same without nginx. The contract promises no times there: the row is always good."""
    name = f"{connections} slow connections straight to gunicorn"
    row = beside(name, stack.url, api, connections=connections, calls=calls)
    return replace(row, survived=row.tried, note=f"{row.note} (measured, not promised)")
