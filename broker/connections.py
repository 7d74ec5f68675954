"""Connections to Redis that stay with their threads, and are closed when they have been idle for some time."""

import threading
import time
from typing import Any
from weakref import WeakSet

import redis

IDLE_SECONDS = 10.0
"""A thread that needs its connection less often than this opens a new one."""


class _Kept:
    """The idle connections of one thread, by pool. Whoever pops one owns it: the thread, or the one that closes it."""

    def __init__(self) -> None:
        self._idle: dict[redis.ConnectionPool, tuple[Any, float]] = {}

    def take(self, pool: redis.ConnectionPool) -> Any:
        """The connection, which is no longer kept; None if there is none."""
        entry = self._idle.pop(pool, None)
        return entry and entry[0]

    def keep(self, pool: redis.ConnectionPool, connection: Any) -> None:
        """Keep a connection that is idle from now on."""
        self._idle[pool] = connection, time.monotonic()

    def close_older(self, moment: float) -> None:
        """Close what has been idle since before `moment`."""
        for pool, (_, since) in list(self._idle.items()):
            if since < moment and (entry := self._idle.pop(pool, None)) is not None:
                self._close(pool, entry, moment)

    def _close(self, pool: redis.ConnectionPool, entry: tuple[Any, float], moment: float) -> None:
        connection, since = entry
        # Its thread may have used it meanwhile, and may by now have another one.
        if since < moment or self._idle.setdefault(pool, entry) is not entry:
            connection.disconnect()


class _Sweeper:
    """A thread of this process that closes what has been idle for too long."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._everybody: WeakSet[_Kept] = WeakSet()
        self._thread: threading.Thread | None = None

    def watch(self, kept: _Kept) -> None:
        """Look after the connections of one more thread."""
        with self._lock:
            self._everybody.add(kept)
            # After a fork it is not alive.
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
    """What this thread keeps."""

    def __init__(self) -> None:
        self.kept = _Kept()
        _sweeper.watch(self.kept)


_here = _Here()


class HeldConnection:
    """A context with this thread's own connection, checked to be alive.

    An error inside leaves open whether the command reached Redis.

    A thread keeps its connection: to get one from the pool and give it back takes a tenth of the time of a trigger.

    Raises:
        redis.RedisError: Redis is not reachable; nothing was sent.
    """

    __slots__ = ("_connection", "_pool")

    def __init__(self, pooled: redis.Redis) -> None:
        self._pool = pooled.connection_pool

    def __enter__(self) -> Any:
        """The connection; redis-py leaves its type open."""
        pool = self._pool
        # Taken while in use, so that a nested use gets a connection of its own.
        self._connection = connection = _here.kept.take(pool) or pool.connection_class(**pool.connection_kwargs)
        connection.connect()
        if _is_stale(connection):
            connection.disconnect()
            connection.connect()
        return connection

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Keep it, unless an answer may still be on its way."""
        if kind:
            self._connection.disconnect()
        _here.kept.keep(self._pool, self._connection)


def _is_stale(connection: Any) -> bool:
    """Whether the server has closed it meanwhile."""
    try:
        return bool(connection.can_read())
    except (redis.ConnectionError, OSError):
        return True
