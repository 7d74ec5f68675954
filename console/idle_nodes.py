"""Nodes that are alive and take no triggers, some of them because they lack packages."""

from collections.abc import Collection
from dataclasses import dataclass

from automation.builds import Build, BuildState, NodeEnvironment
from automation.required import required_locks
from fleet import overview
from fleet.overview import LivingNode


@dataclass(frozen=True)
class IdleNode:
    """A node that beats, but takes no triggers."""

    beat: LivingNode
    lacks_packages: bool


def idle_nodes() -> list[IdleNode]:
    """Those nodes, by id. One that ends is none of them.

    Raises:
        redis.RedisError: the broker is not reachable.
    """
    beats = [beat for beat in overview.look(with_leaving=True).nodes if not beat.node.is_consuming]
    lacking = _lacking({beat.node.id for beat in beats}) if beats else set()
    return [IdleNode(beat, beat.node.id in lacking) for beat in beats]


def _lacking(node_ids: Collection[int]) -> set[int]:
    """Those of these nodes that do not have what callers rely on, or could not build what another node has built."""
    required = set(required_locks())
    going_on = Build.objects.filter(state=BuildState.BUILDING, lock__environments__state=BuildState.READY)
    built = set(going_on.values_list("lock", flat=True)) - required
    rows = NodeEnvironment.objects.filter(node_id__in=node_ids, lock__in=required | built)
    states = {(node, lock): state for node, lock, state in rows.values_list("node_id", "lock", "state")}
    return {
        node
        for node in node_ids
        if any(states.get((node, lock)) != BuildState.READY for lock in required)
        or any(states.get((node, lock)) == BuildState.FAILED for lock in built)
    }
