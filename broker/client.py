"""Two Redis clients per process: a patient one, and one with short time-outs for callers with a deadline."""

import hashlib
import socket
import threading
from collections.abc import Sequence
from functools import cache
from typing import Any, cast
from weakref import WeakKeyDictionary

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from broker.tls import VerifiedConnection

# Time for 30 MB on a slow network, but never so long that a caller's time-out passes by.
SOCKET_TIMEOUT_SECONDS = max(1.0, min(10.0, settings.UDAPI_TRIGGER_TIMEOUT_SECONDS / 4))
CONNECT_TIMEOUT_SECONDS = 0.8
# A waiting caller is answered by its deadline, even if Redis is down.
BRIEF_SECONDS = 0.4

# More than a process has threads.
MAX_CONNECTIONS = 8_192
# Each connection has a buffer of this size, and each caller that waits a connection.
_READ_BYTES = 16 * 1024
# A larger reply grows the buffer of its connection, which is closed afterwards.
_LARGE_BYTES = 1_000_000
# Keep-alive probes keep idle connections known to NAT, and find dead peers.
_KEEPALIVE = {socket.TCP_KEEPIDLE: 60, socket.TCP_KEEPINTVL: 10, socket.TCP_KEEPCNT: 3}


@cache
def client() -> redis.Redis:
    """The client of this process, shared by its threads; answers are bytes.

    Nothing is retried on its own: a claim, a pop or a count that is repeated after a lost answer would
    happen twice. A pooled connection that the server has closed is noticed and replaced when it is taken.
    """
    return _client(SOCKET_TIMEOUT_SECONDS, CONNECT_TIMEOUT_SECONDS)


@cache
def brief_client() -> redis.Redis:
    """Like `client`, with short time-outs: for commands whose reply is useless when late."""
    return _client(BRIEF_SECONDS, BRIEF_SECONDS)


class _Held(threading.local):
    """The connections that this thread keeps."""

    def __init__(self) -> None:
        self.idle: WeakKeyDictionary[redis.ConnectionPool, Any] = WeakKeyDictionary()


_held = _Held()


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
        # Removed while in use, so that a nested use gets a connection of its own.
        self._connection = connection = _held.idle.pop(pool, None) or pool.connection_class(**pool.connection_kwargs)
        connection.connect()
        if _is_stale(connection):
            connection.disconnect()
            connection.connect()
        return connection

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Keep it, unless an answer may still be on its way."""
        if kind:
            self._connection.disconnect()
        _held.idle[self._pool] = self._connection


def _is_stale(connection: Any) -> bool:
    """Whether the server has closed it meanwhile."""
    try:
        return bool(connection.can_read())
    except (redis.ConnectionError, OSError):
        return True


class LuaScript:
    """A Lua script that Redis knows by its digest: one round trip, which does not carry the text each time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def run(self, pooled: redis.Redis, keys: Sequence[str], *arguments: str | bytes | int) -> Any:
        """Run the script; returns its reply, strings as bytes.

        Raises:
            redis.RedisError.
        """
        with HeldConnection(pooled) as connection:
            return self.over(connection, keys, *arguments)

    def over(self, connection: Any, keys: Sequence[str], *arguments: str | bytes | int) -> Any:
        """Like `run`, over `connection`."""
        try:
            return _ask(connection, "EVALSHA", self._digest, len(keys), *keys, *arguments)
        except redis.exceptions.NoScriptError:
            return _ask(connection, "EVAL", self._text, len(keys), *keys, *arguments)

    def before_blpop(
        self, popped_key: str, seconds: float, connection: Any, keys: Sequence[str], *arguments: str | bytes | int
    ) -> Any:
        """Run the script and, in the same write, start a BLPOP of `popped_key` for `seconds`.

        `popped` reads what it pops. After an error the connection is of no further use.
        """
        commands = [
            ("EVALSHA", self._digest, len(keys), *keys, *arguments),
            ("BLPOP", popped_key, seconds),
        ]
        connection.send_packed_command(connection.pack_commands(commands))
        try:
            return connection.read_response()
        except redis.exceptions.NoScriptError:
            # BLPOP blocks this connection, so the script goes over another.
            return self.run(client(), keys, *arguments)


def _ask(connection: Any, *command: str | bytes | int) -> Any:
    connection.send_command(*command)
    return connection.read_response()


def blpop(key: str, seconds: float, silence: float) -> bytes | None:
    """What is pushed to the list `key` within `seconds`; a server that is `silence` seconds late is given up.

    Raises:
        redis.RedisError: the server is not reachable, or said nothing.
    """
    with HeldConnection(client()) as connection:
        connection.send_command("BLPOP", key, seconds)
        return popped(connection, seconds + silence)


def popped(connection: Any, seconds: float) -> bytes | None:
    """What the BLPOP that was sent over the connection pops; a server that says nothing for `seconds` is given up.

    Raises:
        redis.RedisError: as for `blpop`.
    """
    entry = connection.read_response(timeout=seconds)
    answer = cast(bytes, entry[1]) if entry else None
    shed(connection, answer)
    return answer


def shed(connection: Any, answer: bytes | None) -> None:
    """Close a connection that has read a large answer: its buffer would stay that large."""
    if answer and len(answer) > _LARGE_BYTES:
        connection.disconnect()


def _client(timeout: float, connect_timeout: float) -> redis.Redis:
    options: dict[str, Any] = {"socket_read_size": _READ_BYTES}
    if not settings.REDIS_URL.startswith("unix:"):
        options |= {"socket_keepalive": True, "socket_keepalive_options": _KEEPALIVE}
    if settings.REDIS_URL.startswith("rediss:"):
        options["connection_class"] = VerifiedConnection
    pool = redis.ConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=MAX_CONNECTIONS,
        socket_timeout=timeout,
        socket_connect_timeout=connect_timeout,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        **options,
    )
    return redis.Redis(connection_pool=pool)
