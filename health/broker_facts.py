"""What Redis tells about the installation: nodes, queues, background program, memory and time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from broker.client import client
from broker.installation import prefix
from broker.lease import lease_key
from fleet import overview, redis_keys, schedule
from fleet.overview import Fleet, LivingNode

_BACKGROUND_QUEUE: Final = "udapi.background"


@dataclass(frozen=True, kw_only=True)
class BrokerFacts:
    """`others` are nodes that take no triggers. `ahead_seconds` is how far Redis' clock is ahead of this machine's.

    `has_schedule` says whether a background program holds the lease of the timetable, `tasks_waiting` how many
    background tasks wait, `record_age_seconds` for how long the oldest run has waited to be stored.
    """

    fleet: Fleet
    others: Sequence[LivingNode]
    version: str
    used_bytes: int
    limit_bytes: int
    has_schedule: bool
    tasks_waiting: int
    record_age_seconds: float
    ahead_seconds: float


def look() -> BrokerFacts:
    """Ask Redis.

    Raises:
        redis.RedisError: it does not answer.
    """
    fleet, everybody = overview.look(), overview.look(with_leaving=True).nodes
    taking = {beat.instance for beat in fleet.nodes}
    before = time.time()
    seconds, microseconds = client().time()
    now, here = int(seconds) + int(microseconds) / 1_000_000, (before + time.time()) / 2
    with client().pipeline(transaction=False) as asked:
        asked.info("server")
        asked.info("memory")
        asked.exists(lease_key(schedule.LEASE))
        asked.llen(prefix() + _BACKGROUND_QUEUE)
        asked.xrange(redis_keys.records(), count=1)
        server, memory, leases, tasks, oldest = asked.execute()
    return BrokerFacts(
        fleet=fleet,
        others=[beat for beat in everybody if beat.instance not in taking],
        version=str(server.get("redis_version", "")),
        used_bytes=int(memory.get("used_memory", 0)),
        limit_bytes=int(memory.get("maxmemory", 0)),
        has_schedule=bool(leases),
        tasks_waiting=int(tasks),
        record_age_seconds=now - _written_at(oldest) if oldest else 0.0,
        ahead_seconds=now - here,
    )


def _written_at(entries: Any) -> float:
    """When the first entry of a stream was written, in seconds since 1970: its id begins with that."""
    return int(entries[0][0].partition(b"-")[0]) / 1_000
