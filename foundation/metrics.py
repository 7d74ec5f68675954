"""What is counted for Prometheus. Nothing is, unless `UDAPI_METRICS_TOKEN` is set.

The processes of a web server count in memory that they share, each in a region of its own: no file that a full disk
could break, and no number is lost with the process that has counted it. `foundation.exposition` renders the numbers.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from mmap import mmap

from foundation.metric_region import MetricRegion

REGION_BYTES = 16 * 1024 * 1024
"""Enough for 10,000 routes. The system provides only what is used."""

Labels = tuple[str, ...]
Series = tuple[str, Labels]
"""Name of the family, and the values of its labels."""


@dataclass(frozen=True)
class CountedFamily:
    """A counter, or a gauge if it can fall; with `bounds`, a histogram. Its name has no `_total`."""

    name: str
    help: str
    labels: Labels = ()
    bounds: Sequence[float] = ()
    can_fall: bool = False

    @property
    def width(self) -> int:
        """How many numbers a series has: one, or the sum and one for each bucket."""
        return len(self.bounds) + 2 if self.bounds else 1


_REQUEST_BOUNDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 90.0)
_RUN_BOUNDS = (0.001, *_REQUEST_BOUNDS, 300.0, 3_600.0)

REQUESTS = CountedFamily(
    "udapi_requests",
    "Requests below /api/custom. Route as defined, empty if no definition was found that the token may call. "
    "Reason of the error catalogue, empty if the script answered.",
    ("route", "method", "status", "reason"),
)
REQUEST_SECONDS = CountedFamily(
    "udapi_request_duration_seconds",
    "Time from the acceptance of a request below /api/custom to its answer.",
    ("route",),
    _REQUEST_BOUNDS,
)
RUNS = CountedFamily("udapi_runs", "Runs that this process has recorded, by kind and status.", ("kind", "status"))
QUEUE_SECONDS = CountedFamily(
    "udapi_run_queue_seconds", "Time that runs of this node waited for a slot.", ("kind",), _RUN_BOUNDS
)
RUN_SECONDS = CountedFamily("udapi_run_duration_seconds", "Time that scripts ran on this node.", ("kind",), _RUN_BOUNDS)
WAITING_SLOTS = CountedFamily(
    "udapi_web_waiting_slots_used", "Waiting slots of this web server that triggers hold.", can_fall=True
)
DROPPED = CountedFamily(
    "udapi_metrics_dropped", "Observations of new series that were not counted, because there was no room for them."
)
FAMILIES = {
    family.name: family
    for family in (REQUESTS, REQUEST_SECONDS, RUNS, QUEUE_SECONDS, RUN_SECONDS, WAITING_SLOTS, DROPPED)
}


class MetricTally:
    """Counts in one region; safe for threads. It continues what an earlier process has counted there."""

    def __init__(self, region: MetricRegion) -> None:
        self._region, self._lock = region, threading.Lock()
        self._values = region.values
        self._places: dict[Series, int] = {(name, labels): place for name, labels, place, _ in region.entries()}
        reset_gauges(region)
        # First of all, while there is room for it.
        self.add(DROPPED, (), 0.0)

    def add(self, family: CountedFamily, labels: Labels = (), amount: float = 1.0) -> None:
        with self._lock:
            if (place := self._place(family, labels)) is not None:
                self._values[place] += amount

    def observe(self, family: CountedFamily, labels: Labels, value: float) -> None:
        with self._lock:
            if (place := self._place(family, labels)) is not None:
                self._values[place] += value
                self._values[place + 1 + bisect_left(family.bounds, value)] += 1.0

    def _place(self, family: CountedFamily, labels: Labels) -> int | None:
        series = family.name, labels
        place = self._places.get(series)
        if place is not None:
            return place
        place = self._region.append(*series, family.width)
        if place is None:
            self._values[self._places[DROPPED.name, ()]] += 1.0
        else:
            self._places[series] = place
        return place


def reset_gauges(region: MetricRegion) -> None:
    """Forget what was true only while the process lived that counts in this region."""
    for name, _, place, _ in region.entries():
        if name in FAMILIES and FAMILIES[name].can_fall:
            region.values[place] = 0.0


class Meters:
    """The counting of this process. It is off until `begin`."""

    def __init__(self) -> None:
        self._regions: list[MetricRegion] = []
        self._tally: MetricTally | None = None

    @property
    def regions(self) -> Sequence[MetricRegion]:
        return self._regions

    def reserve(self, regions: int = 1) -> None:
        """Make the regions that this process shares with those that it forks."""
        memory = memoryview(mmap(-1, regions * REGION_BYTES))
        self._regions = [
            MetricRegion(memory[start : start + REGION_BYTES]) for start in range(0, len(memory), REGION_BYTES)
        ]

    def begin(self, region: int = 0) -> None:
        """Count in this region from now on."""
        self._tally = MetricTally(self._regions[region])

    def add(self, family: CountedFamily, labels: Labels = (), amount: float = 1.0) -> None:
        """Add to a counter or a gauge."""
        if self._tally is not None:
            self._tally.add(family, labels, amount)

    def observe(self, family: CountedFamily, labels: Labels, value: float) -> None:
        """Count a value in a histogram."""
        if self._tally is not None:
            self._tally.observe(family, labels, value)

    def totals(self) -> Mapping[Series, Sequence[float]]:
        """The numbers of each series, the sums over all regions."""
        found: dict[Series, Sequence[float]] = {}
        for series, numbers in self._numbers():
            known = found.get(series)
            found[series] = numbers if known is None else [sum(pair) for pair in zip(known, numbers, strict=True)]
        return found

    def _numbers(self) -> Iterator[tuple[Series, Sequence[float]]]:
        for region in self._regions:
            for name, labels, place, width in region.entries():
                yield (name, labels), region.values[place : place + width].tolist()


meters = Meters()
