"""The properties of the Redis server, and which of them endanger the product."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import redis

OLDEST_VERSION = (6, 2)
NO_EVICTION = "noeviction"
PRIMARY = "master"
STANDALONE = "standalone"


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says about itself. `saves` is False for a server that does not show its configuration."""

    version: str
    mode: str
    role: str
    eviction: str
    saves: bool
    appends: bool


@dataclass(frozen=True, slots=True)
class Danger:
    """A property of the server that should be different. With an error, the product cannot work.

    `id` is that of the system check and never changes. `text` is a sentence that says what to do.
    """

    id: str
    kind: Literal["error", "warning", "note"]
    text: str


def look(pooled: redis.Redis) -> ServerFacts:
    """Ask the server for its properties. Two round trips.

    Raises:
        redis.RedisError: it does not answer.
    """
    told: dict[str, Any] = pooled.info()
    return ServerFacts(
        version=str(told.get("redis_version", "")),
        # Valkey calls it `server_mode`.
        mode=str(told.get("redis_mode") or told.get("server_mode") or STANDALONE),
        role=str(told.get("role", PRIMARY)),
        eviction=str(told.get("maxmemory_policy", NO_EVICTION)),
        saves=_saves(pooled),
        appends=bool(told.get("aof_enabled")),
    )


def _saves(pooled: redis.Redis) -> bool:
    try:
        return bool(pooled.config_get("save").get("save"))
    except redis.ResponseError:
        return False


def dangers(server: ServerFacts) -> list[Danger]:
    """The properties that should be different, the worst first."""
    return [*_errors(server), *_warnings(server)]


def _errors(server: ServerFacts) -> Iterator[Danger]:
    if server.mode != STANDALONE:
        text = (
            f"Redis runs as a {server.mode}, but all keys of a trigger must lie on one server: "
            "name a server of its own in REDIS_URL."
        )
        yield Danger("udapi.E011", "error", text)
    if _is_old(server.version):
        oldest = ".".join(map(str, OLDEST_VERSION))
        yield Danger("udapi.E012", "error", f"Redis {server.version} is too old: use {oldest} or newer, or Valkey.")
    if server.role != PRIMARY:
        text = "Redis is a replica, which refuses writes or loses them: name its primary in REDIS_URL."
        yield Danger("udapi.E013", "error", text)


def _is_old(version: str) -> bool:
    parts = version.split(".")[:2]
    return all(part.isdecimal() for part in parts) and tuple(map(int, parts)) < OLDEST_VERSION


def _warnings(server: ServerFacts) -> Iterator[Danger]:
    if server.eviction != NO_EVICTION:
        text = (
            f"Redis evicts keys when its memory is full (maxmemory-policy {server.eviction}), so waiting triggers, "
            f"answers, heartbeats of nodes and counters of rate limits can vanish: set maxmemory-policy {NO_EVICTION}."
        )
        yield Danger("udapi.W014", "warning", text)
    if server.saves or server.appends:
        text = (
            "Redis writes to disk, though nothing in it has to survive a restart: bodies of requests lie in its files, "
            'and a full disk makes it refuse triggers. Set save "" and appendonly no.'
        )
        yield Danger("udapi.I001", "note", text)
