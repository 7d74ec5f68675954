"""The components of which Redis tells: the broker itself, nodes, versions, background program and clock."""

from collections.abc import Iterator, Sequence
from typing import Final

from fleet.overview import LivingNode
from foundation import __version__
from health.broker_facts import BrokerFacts
from health.states import ComponentState, HealthStatus

FULL_SHARE: Final = 0.9
MOST_TASKS_WAITING: Final = 100
LATE_SECONDS: Final = 60
MOST_SKEW_SECONDS: Final = 2.0
NODE_STATES: Final = ("ready", "idle", "leaving")
_MEGABYTE: Final = 1_000_000
_UNKNOWN: Final = ("nodes", "versions", "background", "clock")


def states(facts: BrokerFacts | None) -> Iterator[ComponentState]:
    """The components; None says that Redis does not answer."""
    if facts is None:
        yield ComponentState(name="broker", status=HealthStatus.DOWN, message="Redis does not answer.")
        for name in _UNKNOWN:
            yield ComponentState(name=name, status=HealthStatus.UNKNOWN, message="Redis does not answer.")
        return
    yield _broker(facts)
    yield _nodes(facts)
    yield _versions(facts)
    yield _background(facts)
    yield _clock(facts)


def _broker(facts: BrokerFacts) -> ComponentState:
    used, limit = facts.used_bytes / _MEGABYTE, facts.limit_bytes / _MEGABYTE
    is_full = limit > 0 and used > FULL_SHARE * limit
    status = HealthStatus.IMPAIRED if is_full else HealthStatus.UP
    of_limit = f" of {limit:.0f}" if limit else ""
    message = f"Redis {facts.version} uses {used:.0f}{of_limit} MB of memory."
    return ComponentState(name="broker", status=status, message=message)


def _nodes(facts: BrokerFacts) -> ComponentState:
    fleet, idle = facts.fleet, [beat for beat in facts.others if state_of(beat, facts) == "idle"]
    status = HealthStatus.UP
    slots = f"{fleet.running} of {fleet.limit} slots busy, {fleet.waiting} jobs waiting"
    parts = [f"{len(fleet.nodes)} ready ({slots})"]
    if idle:
        status = HealthStatus.IMPAIRED
        parts.append(f"{len(idle)} idle")
    if fleet.unconfined:
        status = HealthStatus.IMPAIRED
        parts.append(f"{len(fleet.unconfined)} without confinement of scripts")
    if not fleet.nodes:
        status, parts[0] = HealthStatus.DOWN, "none ready"
    return ComponentState(name="nodes", status=status, message=f"Worker nodes: {'; '.join(parts)}.")


def state_of(beat: LivingNode, facts: BrokerFacts) -> str:
    """`ready`, `leaving`, or `idle`: alive, but without packages or unable to begin scripts."""
    if beat in facts.fleet.nodes:
        return "ready"
    return "idle" if beat.node.builds else "leaving"


def _versions(facts: BrokerFacts) -> ComponentState:
    found = sorted({__version__, *(beat.node.version for beat in _all(facts))})
    status = HealthStatus.UP if len(found) == 1 else HealthStatus.IMPAIRED
    message = f"Web server and nodes run {' and '.join(found)}."
    return ComponentState(name="versions", status=status, message=message)


def _background(facts: BrokerFacts) -> ComponentState:
    age, tasks = facts.record_age_seconds, facts.tasks_waiting
    status = HealthStatus.UP
    parts = [f"tasks waiting: {tasks}"]
    if age > LATE_SECONDS:
        parts.append(f"runs have waited for {age:.0f} s to be stored")
    if age > LATE_SECONDS or tasks > MOST_TASKS_WAITING:
        status = HealthStatus.IMPAIRED
    if not facts.has_schedule:
        status = HealthStatus.DOWN
        parts.insert(0, "None sends the periodic tasks, so runs are not stored and nothing is cleaned up")
    message = f"{'; '.join(parts)}."
    return ComponentState(name="background", status=status, message=message)


def _clock(facts: BrokerFacts) -> ComponentState:
    ahead = facts.ahead_seconds
    status, message = HealthStatus.UP, "The clocks of this machine and of Redis agree."
    if abs(ahead) > MOST_SKEW_SECONDS:
        status = HealthStatus.IMPAIRED
        message = f"The clock of Redis is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} this machine's."
    return ComponentState(name="clock", status=status, message=message)


def _all(facts: BrokerFacts) -> Sequence[LivingNode]:
    return [*facts.fleet.nodes, *facts.others]
