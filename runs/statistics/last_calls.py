"""When a definition, token or script was last called. The counters tell, also after the run is gone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Subquery

from runs.statistics.models import RunCounter, StoredStep
from runs.statistics.periods import moment_of
from runs.statistics.query import Dimension, StatisticsFilters, series_with


@dataclass(frozen=True, order=True)
class LastCall:
    """The last call was within `step` minutes after the minute `start`: the older it is, the less is known."""

    start: int
    step: StoredStep

    @property
    def since(self) -> datetime:
        return moment_of(self.start)

    @property
    def until(self) -> datetime:
        return moment_of(self.start + self.step)


def last_calls(dimension: Dimension, filters: StatisticsFilters) -> Mapping[UUID, LastCall]:
    """Of each definition, token or script that was called, in one query that reads no more than the last counters."""
    name = f"{dimension}_id"
    rows = series_with(dimension, filters).annotate(**{step.name: _latest(step) for step in StoredStep})
    found: dict[UUID, LastCall] = {}
    for key, *starts in rows.values_list(name, *(step.name for step in StoredStep)):
        last = next(_known(starts), None)
        if last is not None:
            found[key] = max(last, found.get(key, last))
    return found


def _latest(step: StoredStep) -> Subquery:
    counters = RunCounter.objects.filter(series=OuterRef("pk"), step=step).order_by("-start")
    return Subquery(counters.values("start")[:1])


def _known(starts: list[Any]) -> Iterator[LastCall]:
    """From the most exact one on."""
    for step, start in zip(StoredStep, starts, strict=True):
        if start is not None:
            yield LastCall(start, step)
