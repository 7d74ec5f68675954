"""The fleet: every worker node with its last heartbeat, and how many jobs wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import msgspec

from broker.client import client
from fleet import celery_message, redis_keys
from fleet.heartbeat import HEARTBEAT_ENDS_AFTER_SECONDS, NodeState
from foundation.ids import is_run_id, time_of


@dataclass(frozen=True)
class LivingNode:
    """What a node said of itself, and when."""

    node: NodeState
    at: datetime
    instance: str

    @property
    def since(self) -> datetime:
        return datetime.fromisoformat(self.node.since)


@dataclass(frozen=True)
class Fleet:
    """The nodes that are alive, by id, how many jobs wait, and since when the oldest of them does."""

    nodes: Sequence[LivingNode]
    waiting: int
    oldest: datetime | None = None

    @property
    def unconfined(self) -> list[NodeState]:
        """Nodes whose kernel lets scripts read every file that their account can."""
        return [beat.node for beat in self.nodes if not beat.node.confines]

    @property
    def running(self) -> int:
        return sum(beat.node.running for beat in self.nodes)

    @property
    def limit(self) -> int:
        """How many jobs can run at once."""
        return sum(beat.node.limit for beat in self.nodes)


def look(*, with_leaving: bool = False) -> Fleet:
    """Ask Redis for the fleet; `with_leaving` also for nodes that take no more jobs, but may still run some.

    Raises:
        redis.RedisError: the broker is not reachable.
    """
    beats = _beats(redis_keys.nodes()) + (_beats(redis_keys.leaving()) if with_leaving else [])
    with client().pipeline(transaction=False) as asked:
        asked.llen(redis_keys.queue())
        asked.lindex(redis_keys.queue(), -1)
        for instance, _ends in beats:
            asked.get(redis_keys.node(instance.decode()))
        waiting, oldest, *states = asked.execute()
    alive = [_beat(state, ends, instance) for state, (instance, ends) in zip(states, beats, strict=True) if state]
    return Fleet(sorted(alive, key=lambda beat: beat.node.id), int(waiting), _accepted_at(oldest))


def nodes() -> list[NodeState]:
    """The worker nodes that are alive, by id.

    Raises:
        redis.RedisError: the broker is not reachable.
    """
    return [living.node for living in look().nodes]


def _accepted_at(entry: bytes | None) -> datetime | None:
    """When the job of this entry of the queue was accepted."""
    job_id = celery_message.job_id_of(entry) if entry else None
    return time_of(UUID(job_id)) if job_id and is_run_id(job_id) else None


def _beats(key: str) -> list[tuple[bytes, float]]:
    return cast(list[tuple[bytes, float]], client().zrange(key, 0, -1, withscores=True))


def _beat(state: Any, ends: float, instance: bytes) -> LivingNode:
    at = ends / 1_000 - HEARTBEAT_ENDS_AFTER_SECONDS
    _, _, told = state.partition(b" ")
    # A node of a later release may have further fields, which msgspec ignores.
    node = msgspec.json.decode(told, type=NodeState)
    return LivingNode(node, datetime.fromtimestamp(at, UTC), instance.decode())
