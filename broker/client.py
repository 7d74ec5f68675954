"""The Redis clients of a process, which differ in their time-outs, and what is known about a connection's server."""

import hashlib
import re
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from broker import owner
from broker.connections import KEEPALIVE, HeldConnection, ask, read_reply
from broker.tls import VerifiedConnection

# As long as TCP waits for an acknowledgement (`KEEPALIVE`).
_PROMPT_SECONDS = 5.0
CONNECT_TIMEOUT_SECONDS = 0.8
# How long a waiting caller tolerates an unreachable broker.
LEAST_PATIENCE_SECONDS = 3.0
# Short, so that a worker that connects to a silent Redis can still be stopped.
_CLAIM_SECONDS = 3.0
# A waiting caller is answered by its deadline, even if Redis is down.
BRIEF_SECONDS = 0.4

# More than a process has threads.
MAX_CONNECTIONS = 8_192
# Each waiting caller has a connection, and each connection has a buffer of this size.
_READ_BYTES = 16 * 1024
# After a larger reply, the connection is closed, because its buffer has grown.
_LARGE_BYTES = 1_000_000

_RUN_ID = re.compile(rb"run_id:(\w+)")


@cache
def client() -> redis.Redis:
    """The client of this process, shared by its threads; replies are bytes.

    Nothing is retried: a claim, a pop or a count that is repeated after a lost reply would happen twice. A pooled
    connection that the server has closed is replaced when it is taken.
    """
    return _client(reply_seconds(), CONNECT_TIMEOUT_SECONDS, greet)


@cache
def brief_client() -> redis.Redis:
    """Like `client`, with short time-outs: for commands whose reply is useless when late."""
    return _client(BRIEF_SECONDS, BRIEF_SECONDS, greet)


@cache
def server_client() -> redis.Redis:
    """Like `client`, for questions about the server itself. It claims no id, so it needs no database."""
    return _client(reply_seconds(), CONNECT_TIMEOUT_SECONDS, meet)


@cache
def prompt_client() -> redis.Redis:
    """Like `client`, for small exchanges: without a reply after a few seconds, the connection is dead."""
    return _client(_prompt_seconds(), CONNECT_TIMEOUT_SECONDS, greet)


@cache
def reply_seconds() -> float:
    """The time-out of `client`, enough for 30 MB on a slow network.

    It is a quarter of a caller's time, but 3 to 10 s, and never more than the caller's time.
    """
    caller = float(settings.UDAPI_TRIGGER_TIMEOUT_SECONDS)
    return max(min(LEAST_PATIENCE_SECONDS, caller), min(10.0, caller / 4))


def _prompt_seconds() -> float:
    return min(_PROMPT_SECONDS, reply_seconds())


def claim_installation() -> None:
    """Connect once in order to claim the installation's id.

    Raises:
        broker.owner.ForeignInstallationError: it belongs to another database.
        redis.RedisError: it could not be claimed now; every later connection tries again.
    """
    pool = client().connection_pool
    connection: Any = pool.connection_class(**pool.connection_kwargs | {"socket_timeout": _CLAIM_SECONDS})
    try:
        connection.connect()
    finally:
        connection.disconnect()


@dataclass(frozen=True, slots=True)
class _Peer:
    """The server of a connection: its `run_id`, and how far its clock is ahead of this process's monotonic clock."""

    milliseconds_ahead: float
    life: str


# By connection: redis-py has no place for such a thing. An entry goes with its connection.
_peers: WeakKeyDictionary[Any, _Peer] = WeakKeyDictionary()


def greet(connection: Any) -> None:
    """Log in, learn about the server, and claim the installation's id."""
    with _promptly(connection):
        _log_in(connection)
        owner.hold(connection)


def meet(connection: Any) -> None:
    """Log in, and learn the server's clock and `run_id`: a new connection may lead to another server."""
    with _promptly(connection):
        _log_in(connection)


@contextmanager
def _promptly(connection: Any) -> Iterator[None]:
    """A short time-out for the small replies within the context."""
    connection._sock.settimeout(min(_prompt_seconds(), connection.socket_timeout or _PROMPT_SECONDS))
    yield
    connection._sock.settimeout(connection.socket_timeout)


def _log_in(connection: Any) -> None:
    connection.on_connect()
    seconds, microseconds = ask(connection, "TIME")
    ahead = int(seconds) * 1_000 + int(microseconds) / 1_000 - time.monotonic() * 1_000
    found = _RUN_ID.search(ask(connection, "INFO", "server"))
    _peers[connection] = _Peer(ahead, found[1].decode() if found else "")


def server_milliseconds(connection: Any) -> int:
    """The time on the server's clock. It is wrong if that clock was set since the connection was made."""
    return int(_peers[connection].milliseconds_ahead + time.monotonic() * 1_000)


def server_life(connection: Any) -> str:
    """The `run_id` of the connection's server. A connection ends with its server, so this stays true.

    Lua scripts do not call `INFO` for it, which would take longer than everything else that they do with a job.
    """
    return _peers[connection].life


class LuaScript:
    """A Lua script that Redis caches by its digest: one round trip, which usually does not carry the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def run(self, pooled: redis.Redis, keys: Sequence[str], *arguments: str | bytes | int) -> Any:
        """Run the script and return its reply, with strings as bytes.

        Raises:
            redis.RedisError
        """
        with HeldConnection(pooled) as connection:
            return self.over(connection, keys, *arguments)

    def over(
        self, connection: Any, keys: Sequence[str], *arguments: str | bytes | int, seconds: float | None = None
    ) -> Any:
        """Like `run`, over `connection`; waits `seconds` for the reply, by default the time-out of the connection."""
        try:
            return ask(connection, "EVALSHA", self._digest, len(keys), *keys, *arguments, seconds=seconds)
        except redis.exceptions.NoScriptError:
            return ask(connection, "EVAL", self._text, len(keys), *keys, *arguments, seconds=seconds)

    def before_blpop(
        self,
        popped_key: str,
        pop_seconds: float,
        connection: Any,
        keys: Sequence[str],
        *arguments: str | bytes | int,
        seconds: float | None = None,
    ) -> Any:
        """Run the script and, in the same write, start a BLPOP of `popped_key` for `pop_seconds`.

        Waits `seconds` for the script's reply, by default the time-out of the connection. `popped` then reads the reply
        of the BLPOP. After an error the connection cannot be used any more.
        """
        commands = [
            ("EVALSHA", self._digest, len(keys), *keys, *arguments),
            ("BLPOP", popped_key, pop_seconds),
        ]
        connection.send_packed_command(connection.pack_commands(commands))
        try:
            return read_reply(connection, seconds)
        except redis.exceptions.NoScriptError:
            # The BLPOP blocks this connection, so the script is sent over another one.
            return self.run(client(), keys, *arguments)


class HungUpError(Exception):
    """The caller has closed the connection, or its sending half."""


def blpop(key: str, seconds: float, silence: float, peer: socket.socket | None = None) -> bytes | None:
    """What is pushed to the list `key` within `seconds`; the server may answer `silence` seconds late.

    Raises:
        redis.RedisError: the server is not reachable, or does not answer.
        HungUpError: `peer` hung up.
    """
    # The brief client, so that opening a connection does not exceed the caller's time.
    with HeldConnection(brief_client()) as connection:
        connection.send_command("BLPOP", key, seconds)
        _wait(connection, seconds + silence, peer)
        return _popped(connection, connection.read_response(timeout=seconds + silence))


def popped(connection: Any, seconds: float, peer: socket.socket | None = None) -> bytes | None:
    """The reply of a BLPOP that was sent over the connection; it must begin within `seconds`.

    Its rest has the connection's own time-out. After an error the connection cannot be used any more.

    Raises:
        redis.RedisError, HungUpError: as for `blpop`.
    """
    _wait(connection, seconds, peer)
    return _popped(connection, connection.read_response())


def _wait(connection: Any, seconds: float, peer: socket.socket | None) -> None:
    """Wait until there is something to read. Of `peer`, only its end is noticed, not what it sends."""
    if connection.can_read():
        return
    descriptor, poll = connection._sock.fileno(), select.poll()
    poll.register(descriptor, select.POLLIN)
    if peer is not None:
        poll.register(peer, select.POLLRDHUP)
    ready = {each for each, _ in poll.poll(seconds * 1_000)}
    if not ready:
        raise redis.TimeoutError("Redis did not answer in time")
    if descriptor not in ready:
        raise HungUpError


def _popped(connection: Any, entry: list[bytes] | None) -> bytes | None:
    answer = entry[1] if entry else None
    shed(connection, answer)
    return answer


def shed(connection: Any, answer: bytes | None) -> None:
    """Close a connection that has read a large answer, because its buffer would stay that large."""
    if answer and len(answer) > _LARGE_BYTES:
        connection.disconnect()


def _client(timeout: float, connect_timeout: float, greeting: Callable[[Any], None]) -> redis.Redis:
    options: dict[str, Any] = {"socket_read_size": _READ_BYTES}
    if not settings.REDIS_URL.startswith("unix:"):
        options |= {"socket_keepalive": True, "socket_keepalive_options": KEEPALIVE}
    if settings.REDIS_URL.startswith("rediss:"):
        options["connection_class"] = VerifiedConnection
    pool = redis.ConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=MAX_CONNECTIONS,
        socket_timeout=timeout,
        socket_connect_timeout=connect_timeout,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        redis_connect_func=greeting,
        **options,
    )
    return redis.Redis(connection_pool=pool)
