"""Rows of statistics, made directly in the database: as if clients had called for a year, more by day than by night."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import cos, pi
from operator import add
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from hosts.jobs import RunKind
from runs.models import FleetSample, NodeSample, RunCounter, Series
from runs.statistics.counters import Key, Numbers, write
from runs.statistics.figures import COLUMNS, COUNTED, DURATIONS
from runs.statistics.histogram import lane_of, lanes_of
from runs.statistics.models import EVERYTHING, NOBODY, StoredStep
from runs.statistics.periods import KEPT, minute_of

_MINUTE = timedelta(minutes=1)
_DRAWN, _DURATIONS_DRAWN = 400, 20
_BATCH = 500


@dataclass(frozen=True)
class Habit:
    """How something is called: calls an hour on average, milliseconds that a run takes, and how many of 1 fail.

    Within `trouble`, minutes ago from the first to the second number, half of the calls fail and take longer. Within
    `silence` there are none.
    """

    an_hour: float
    milliseconds: float = 40
    failing: float = 0.004
    refused: float = 0.01
    trouble: tuple[int, int] = (0, 0)
    silence: tuple[int, int] = (0, 0)
    days: int = 400


def add_calls(
    habit: Habit,
    definition: UUID | None = None,
    token: UUID | None = None,
    script: UUID | None = None,
    kind: str = RunKind.TRIGGER,
    seed: int = 0,
) -> None:
    """Counters of every step, as long as they are kept. `add_together` then adds them to those of everything."""
    ids: dict[str, Any] = {
        "definition_id": definition or NOBODY,
        "token_id": token or NOBODY,
        "script_id": script or NOBODY,
    }
    series, _ = Series.objects.get_or_create(kind=kind, **ids)
    counters: dict[Key, Numbers] = {}
    for step, start, numbers in _finest(habit, minute_of(timezone.now()), random.Random(seed)):
        for each in (each for each in StoredStep if each >= step):
            _add(counters, (series.pk, each, start // each * each), numbers)
    _write(counters, [series])


def add_together() -> None:
    """What each kind has in all."""
    counters: dict[Key, Numbers] = {}
    known = RunCounter.objects.exclude(series__definition_id=EVERYTHING)
    rows = known.values_list("series__kind", "step", "start", *COLUMNS)
    together: dict[str, Series] = {}
    for kind, step, start, *row in rows.iterator(_BATCH):
        if kind not in together:
            ids: dict[str, Any] = dict.fromkeys(("definition_id", "token_id", "script_id"), EVERYTHING)
            together[kind] = Series.objects.get_or_create(kind=kind, **ids)[0]
        counts, histograms = row[: len(COUNTED)], row[len(COUNTED) :]
        _add(counters, (together[kind].pk, step, start), [*counts, *map(lanes_of, histograms)])
    _write(counters, together.values())


def _add(counters: dict[Key, Numbers], key: Key, numbers: Numbers) -> None:
    counters[key] = list(map(add, counters[key], numbers)) if key in counters else numbers


def _write(counters: dict[Key, Numbers], of_series: Iterable[Series]) -> None:
    with transaction.atomic():
        # The background program may have removed a series that had no counters yet.
        for series in of_series:
            series.save()
        write(counters)


def _finest(habit: Habit, now: int, chance: random.Random) -> Iterator[tuple[StoredStep, int, Numbers]]:
    """The calls of each minute, of each hour where minutes are not kept, and of each day before."""
    end = now + 1
    for step in StoredStep:
        kept = min(KEPT[step], timedelta(days=habit.days)) // _MINUTE
        first = (now - kept) // StoredStep.DAY * StoredStep.DAY
        for start in range(first, end, step):
            mean = habit.an_hour * min(step, end - start) / 60 * _daylight(start, step)
            calls = max(0, round(chance.gauss(mean, mean**0.5 * 1.2)))
            if calls and not _is_within(habit.silence, now - start):
                yield step, start, _numbers(habit, calls, _is_within(habit.trouble, now - start), chance)
        end = min(end, first)


def _is_within(ago: tuple[int, int], minutes: int) -> bool:
    return ago[1] < minutes <= ago[0]


def _daylight(minute: int, step: int) -> float:
    """From 0.25 at 2 o'clock to 1.75 at 14 o'clock; less at week-ends."""
    day = minute // StoredStep.DAY
    week = 0.45 if (day + 3) % 7 > 4 else 1.0
    return week * (1 if step == StoredStep.DAY else 1 - 0.75 * cos((minute % StoredStep.DAY / 60 - 2) / 12 * pi))


def _numbers(habit: Habit, calls: int, in_trouble: bool, chance: random.Random) -> Numbers:
    weights = dict.fromkeys(COUNTED.values(), 0.0) | {"succeeded": 1.0, "failed": habit.failing}
    weights |= {"refused": habit.refused, "never_started": habit.failing / 20, "cancelled": habit.failing / 10}
    slower = 1.0
    if in_trouble:
        weights["failed"], slower = 1.0, 4.0
    drawn = min(calls, _DRAWN)
    counts: defaultdict[str, int] = defaultdict(int)
    for name in chance.choices(list(weights), list(weights.values()), k=drawn):
        counts[name] += calls // drawn
    return [*(counts[name] for name in COUNTED.values()), *_histograms(habit, calls, slower, chance)]


def _histograms(habit: Habit, calls: int, slower: float, chance: random.Random) -> Sequence[int]:
    lanes = dict.fromkeys(DURATIONS, 0)
    drawn = min(calls, _DURATIONS_DRAWN)
    for _ in range(drawn):
        queue = int(chance.expovariate(1 / 1.5) * slower)
        run = int(habit.milliseconds * slower * chance.lognormvariate(0, 0.45)) + 1
        for name, value in {"queue": queue, "run": run, "total": queue + run + 2}.items():
            lanes[name] += max(1, calls // drawn) * lane_of(value)
    return list(lanes.values())


def add_samples(
    nodes: dict[int, int], *, hours: int = 840, busy: float = 0.35, seed: int = 0, gap: tuple[int, int] = (0, 0)
) -> None:
    """What nodes (number → slots) did in the last `hours`; nobody looked within `gap`, minutes ago."""
    chance, now = random.Random(seed), minute_of(timezone.now())
    fleet, of_nodes = [], []
    for step in (StoredStep.MINUTE, StoredStep.HOUR):
        kept = min(KEPT[step] // _MINUTE, hours * 60)
        for start in range((now - kept) // step * step, now + 1, step):
            if gap[1] < now - start <= gap[0]:
                continue
            seen = [_node(step, start, node, slots, busy, chance) for node, slots in nodes.items()]
            of_nodes += seen
            fleet.append(_fleet(step, start, seen, chance))
    FleetSample.objects.bulk_create(fleet, batch_size=_BATCH, ignore_conflicts=True)
    NodeSample.objects.bulk_create(of_nodes, batch_size=_BATCH, ignore_conflicts=True)


def _node(step: int, start: int, node: int, slots: int, busy: float, chance: random.Random) -> NodeSample:
    looks, mean = 6 * step, slots * busy * _daylight(start, StoredStep.HOUR)
    average = min(slots, max(0.0, chance.gauss(mean, slots * 0.06)))
    most = min(slots, round(average + chance.random() * slots * 0.4))
    sums = {"busy": round(average * looks), "busy_most": most, "slots": slots * looks, "slots_most": slots}
    return NodeSample(step=step, start=start, node=node, looks=looks, **sums)


def _fleet(step: int, start: int, nodes: list[NodeSample], chance: random.Random) -> FleetSample:
    sums = {name: sum(getattr(node, name) for node in nodes) for name in ("busy", "busy_most", "slots", "slots_most")}
    is_full = sums["slots"] and sums["busy"] / sums["slots"] > 0.55 and chance.random() < 0.3
    waiting, wait = (chance.randint(1, 9), chance.randint(40, 2_400)) if is_full else (0, 0)
    looks = 6 * step
    queue = {"waiting": waiting * looks // 3, "waiting_most": waiting, "wait": wait * looks // 3, "wait_most": wait}
    return FleetSample(step=step, start=start, looks=looks, **sums, **queue)
