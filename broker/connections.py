"""Connections to Redis that stay with their threads and are closed when they have been idle for some time."""

import socket
import threading
import time
from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakSet

import redis

KEEPALIVE: Final[Mapping[int, int]] = {
    socket.TCP_KEEPIDLE: 60,
    socket.TCP_KEEPINTVL: 10,
    socket.TCP_KEEPCNT: 3,
    socket.TCP_USER_TIMEOUT: 5_000,
}
"""Options of a connection over TCP: probes of an idle one (NAT forgets silent ones), and data that stays unacknowledged
for five seconds, reveal that the other end is gone."""
IDLE_SECONDS = 10.0
"""A thread that needs its connection less often than this opens a new one."""


class _Kept:
    """The idle connections of one thread, by pool. Whoever pops one owns it: the thread, or the sweeper."""

    def __init__(self) -> None:
        self._idle: dict[redis.ConnectionPool, tuple[Any, float]] = {}

    def take(self, pool: redis.ConnectionPool) -> Any:
        """Take the connection out; None if there is none."""
        entry = self._idle.pop(pool, None)
        return entry and entry[0]

    def keep(self, pool: redis.ConnectionPool, connection: Any) -> None:
        """Keep a connection that is idle from now on."""
        self._idle[pool] = connection, time.monotonic()

    def close_older(self, moment: float) -> None:
        """Close the connections that were last used before `moment`."""
        for pool, (_, since) in list(self._idle.items()):
            if since < moment and (entry := self._idle.pop(pool, None)) is not None:
                self._close(pool, entry, moment)

    def _close(self, pool: redis.ConnectionPool, entry: tuple[Any, float], moment: float) -> None:
        connection, since = entry
        # Between check and pop, its thread may have used it and put it back. By now it may even have another one.
        if since < moment or self._idle.setdefault(pool, entry) is not entry:
            connection.disconnect()


class _Sweeper:
    """A thread of this process that closes connections that have been idle for too long."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._everybody: WeakSet[_Kept] = WeakSet()
        self._thread: threading.Thread | None = None

    def watch(self, kept: _Kept) -> None:
        """Close idle connections of one more thread."""
        with self._lock:
            self._everybody.add(kept)
            # After a fork the thread is not alive.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._sweep_on, name="idle-connections", daemon=True)
                self._thread.start()

    def _sweep_on(self) -> None:
        while True:
            time.sleep(IDLE_SECONDS / 4)
            with self._lock:
                everybody = list(self._everybody)
            for kept in everybody:
                kept.close_older(time.monotonic() - IDLE_SECONDS)


_sweeper = _Sweeper()


class _Here(threading.local):
    """The connections of this thread."""

    def __init__(self) -> None:
        self.kept = _Kept()
        _sweeper.watch(self.kept)


_here = _Here()


class HeldConnection:
    """A context with this thread's own connection, checked to be alive.

    After an error inside, it is unknown whether the command has reached Redis.

    A thread keeps its connection: taking one from the pool and giving it back takes a tenth of a trigger's time.

    Raises:
        redis.RedisError: Redis is not reachable; nothing was sent.
    """

    __slots__ = ("_connection", "_pool")

    def __init__(self, pooled: redis.Redis) -> None:
        self._pool = pooled.connection_pool

    def __enter__(self) -> Any:
        pool = self._pool
        # Taken while in use, so that a nested use gets a connection of its own.
        self._connection = connection = _here.kept.take(pool) or pool.connection_class(**pool.connection_kwargs)
        connection.connect()
        if _is_stale(connection):
            connection.disconnect()
            connection.connect()
        return connection

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # After an error, a reply may still be on its way.
        if kind:
            self._connection.disconnect()
        _here.kept.keep(self._pool, self._connection)


def ask(connection: Any, *command: str | bytes | int, seconds: float | None = None) -> Any:
    """Send a command and read its reply."""
    connection.send_command(*command)
    return read_reply(connection, seconds)


def read_reply(connection: Any, seconds: float | None) -> Any:
    """Read a reply within `seconds`; None keeps the socket's time-out, which saves two system calls."""
    return connection.read_response() if seconds is None else connection.read_response(timeout=seconds)


def _is_stale(connection: Any) -> bool:
    """Whether the server has closed it in the meantime."""
    try:
        return bool(connection.can_read())
    except (redis.ConnectionError, OSError):
        return True
