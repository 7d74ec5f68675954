"""The fleet at a glance: every worker node with its last heartbeat, and how many jobs wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from automation.message import QUEUE
from automation.nodes import HEARTBEAT_ENDS_AFTER_SECONDS, NodeState, parse_state
from automation.queue import NODES_KEY, state_key
from broker.client import client


@dataclass(frozen=True)
class Heartbeat:
    """A node as it told of itself, and when that was."""

    node: NodeState
    at: datetime

    @property
    def since(self) -> datetime:
        """When the node started."""
        return datetime.fromisoformat(self.node.since)


@dataclass(frozen=True)
class Fleet:
    """The nodes that are alive, by id, and the jobs that wait for one of them."""

    nodes: Sequence[Heartbeat]
    waiting: int

    @property
    def unconfined(self) -> list[NodeState]:
        """Nodes whose kernel lets scripts read every file that their account can."""
        return [beat.node for beat in self.nodes if not beat.node.confines]

    @property
    def running(self) -> int:
        """Jobs that run now."""
        return sum(beat.node.running for beat in self.nodes)

    @property
    def limit(self) -> int:
        """Jobs that can run at once."""
        return sum(beat.node.limit for beat in self.nodes)


def look() -> Fleet:
    """The fleet now.

    Raises:
        redis.RedisError: the broker is not reachable.
    """
    beats = cast(list[tuple[bytes, float]], client().zrange(NODES_KEY, 0, -1, withscores=True))
    with client().pipeline(transaction=False) as asked:
        asked.llen(QUEUE)
        for instance, _ends in beats:
            asked.get(state_key(instance.decode()))
        waiting, *states = asked.execute()
    alive = [_beat(state, ends) for state, (_instance, ends) in zip(states, beats, strict=True) if state]
    return Fleet(sorted(alive, key=lambda beat: beat.node.id), int(waiting))


def _beat(state: Any, ends: float) -> Heartbeat:
    at = ends / 1_000 - HEARTBEAT_ENDS_AFTER_SECONDS
    return Heartbeat(parse_state(state), datetime.fromtimestamp(at, UTC))
