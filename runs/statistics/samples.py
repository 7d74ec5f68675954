"""What the fleet does over time: busy slots of each node, jobs that wait, and how long the oldest of them does.

A background task looks every ten seconds. A time in which nobody looked, or in which a node was not alive, has no
sample: it is unknown, not zero.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Max, Sum, Value
from django.db.models.functions import Greatest

from fleet.overview import Fleet
from runs.statistics.models import FleetSample, NodeSample, Sample, StoredStep
from runs.statistics.periods import Period, minute_of

EVERY: Final = timedelta(seconds=10)
STEPS: Final = (StoredStep.MINUTE, StoredStep.HOUR)
"""The steps that are kept, for as long as those of the counters."""

_LONGEST_WAIT: Final = 2**31 - 1
_OF_SLOTS: Final = ("busy", "slots")
_OF_FLEET: Final = (*_OF_SLOTS, "waiting", "wait")


# --- Looking ---


def note(fleet: Fleet, now: datetime) -> None:
    """Add what was seen `now`. Of several looks within `EVERY`, the first one counts.

    Raises:
        django.db.Error
    """
    look = round(now.timestamp()) // EVERY.seconds
    seen = {beat.node.id: {"busy": beat.node.running, "slots": beat.node.limit} for beat in fleet.nodes}
    with transaction.atomic():
        for step in STEPS:
            key = {"step": step, "start": minute_of(now) // step * step}
            _add(FleetSample, key, look, _of_fleet(fleet, now))
            # In one order, so that two processes do not wait for each other.
            for node, values in sorted(seen.items()):
                _add(NodeSample, {**key, "node": node}, look, values)


def _of_fleet(fleet: Fleet, now: datetime) -> Mapping[str, int]:
    wait = (now - fleet.oldest) // timedelta(milliseconds=1) if fleet.oldest else 0
    return {
        "busy": fleet.running,
        "slots": fleet.limit,
        "waiting": fleet.waiting,
        "wait": min(max(0, wait), _LONGEST_WAIT),
    }


def _add(model: type[Sample], key: Mapping[str, int], look: int, values: Mapping[str, int]) -> None:
    model._default_manager.bulk_create([model(**key)], ignore_conflicts=True)
    changes: dict[str, Any] = {"last": look, "looks": F("looks") + 1}
    for name, value in values.items():
        changes[name] = F(name) + value
        changes[f"{name}_most"] = Greatest(F(f"{name}_most"), Value(value))
    model._default_manager.filter(**key, last__lt=look).update(**changes)


# --- Reading ---


@dataclass(frozen=True)
class SampleLevel:
    """The average of several looks, and the most that one of them saw."""

    average: float
    most: int


@dataclass(frozen=True)
class SlotPoint:
    """The slots of a node in a step of time."""

    busy: SampleLevel
    slots: SampleLevel


@dataclass(frozen=True)
class FleetPoint(SlotPoint):
    """The slots of all nodes in a step of time, the jobs that waited, and the milliseconds that the oldest had."""

    waiting: SampleLevel
    wait: SampleLevel


@dataclass(frozen=True)
class FleetHistory:
    """The points of a period, in their order; None where nothing was seen. `nodes` are those that were seen, by id."""

    period: Period
    fleet: Sequence[FleetPoint | None]
    nodes: Mapping[int, Sequence[SlotPoint | None]]


def over_time(period: Period) -> FleetHistory:
    """What was seen in a period; its days are made of hours, which are kept for 35 days."""
    nodes: defaultdict[int, list[SlotPoint | None]] = defaultdict(lambda: [None] * len(period.minutes))
    for place, node, levels in _levels(NodeSample, period, _OF_SLOTS, "node"):
        nodes[node][place] = SlotPoint(**levels)
    return FleetHistory(period, of_fleet(period), dict(sorted(nodes.items())))


def of_fleet(period: Period) -> Sequence[FleetPoint | None]:
    """The points of all nodes together."""
    fleet: list[FleetPoint | None] = [None] * len(period.minutes)
    for place, _fleet, levels in _levels(FleetSample, period, _OF_FLEET):
        fleet[place] = FleetPoint(**levels)
    return fleet


def last_seen(since: datetime) -> Mapping[int, datetime]:
    """When each node that was alive after `since` was last seen so, by id."""
    rows = NodeSample.objects.filter(step=STEPS[-1], start__gte=minute_of(since) - STEPS[-1], looks__gt=0)
    found = rows.values("node").annotate(latest=Max("last")).values_list("node", "latest")
    seen = {node: datetime.fromtimestamp(latest * EVERY.seconds, UTC) for node, latest in found}
    return {node: moment for node, moment in seen.items() if moment >= since}


def _levels(
    model: type[Sample], period: Period, names: Sequence[str], key: str = "step"
) -> Iterator[tuple[int, int, Mapping[str, SampleLevel]]]:
    """The number of the point, the key, and the levels by name, wherever something was seen."""
    rows = model._default_manager.filter(
        step=min(period.step.stored, STEPS[-1]), start__gte=period.first, start__lt=period.end, looks__gt=0
    )
    points = rows.annotate(place=(F("start") - period.first) / period.step.minutes).values("place", key)
    sums = {f"{name}_sum": Sum(name) for name in names} | {f"{name}_top": Max(f"{name}_most") for name in names}
    for row in points.annotate(all_looks=Sum("looks"), **sums):
        levels = {name: SampleLevel(row[f"{name}_sum"] / row["all_looks"], row[f"{name}_top"]) for name in names}
        yield row["place"], row[key], levels


# --- Keeping ---


def prune(step: StoredStep, limit: int) -> None:
    """Delete the samples of a step that end before the minute `limit`."""
    for model in (FleetSample, NodeSample):
        rows = model._default_manager.filter(step=step, start__lte=limit - step)
        rows._raw_delete(rows.db)
