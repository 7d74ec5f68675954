"""Which process of the web server counts in which region of the shared memory; see `foundation.metrics`."""

import logging
from collections.abc import Collection
from typing import Any

from foundation.metrics import meters, reset_gauges

# After a SIGHUP, the processes before it still answer their last triggers.
_REGIONS_PER_WORKER, _SPARE_REGIONS = 3, 8

_log = logging.getLogger("udapi.endpoint")


class MetricRegions:
    """The owner of each region, as the master of the web server knows them. Without regions, nothing is counted.

    A region outlives its process: the next one continues it, and until then all others still read it.
    """

    def __init__(self) -> None:
        self._owners: list[Any] = []
        self._next: int | None = None

    def reserve(self, workers: int) -> None:
        """Make the regions, before any process is forked."""
        self._owners = [None] * (workers * _REGIONS_PER_WORKER + _SPARE_REGIONS)
        meters.reserve(len(self._owners))

    def assign(self, worker: Any, living: Collection[Any]) -> None:
        """Give the process that is forked next a region that no living process has."""
        free = (number for number, owner in enumerate(self._owners) if owner not in living)
        self._next = next(free, None)
        if self._next is not None:
            self._owners[self._next] = worker
        elif self._owners:
            _log.error("a process of the web server counts no metrics: every region is taken")

    def begin(self) -> None:
        """Count in the region that was assigned to this process."""
        if self._next is not None:
            meters.begin(self._next)

    def reset(self, worker: Any) -> None:
        """Forget the gauges of a process that has ended."""
        for region, owner in zip(meters.regions, self._owners, strict=False):
            if owner is worker:
                reset_gauges(region)


regions = MetricRegions()
