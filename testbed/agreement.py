"""What the counters of the statistics must say, counted anew from the runs that are stored."""

from collections import Counter, defaultdict
from typing import Any

from foundation.ids import milliseconds_of
from runs.models import Run, RunCounter
from runs.statistics.histogram import Histogram
from runs.statistics.models import EVERYTHING, NOBODY, StoredStep

STATUSES = {
    "succeeded": "Succeeded",
    "failed": "Failed",
    "refused": "Refused",
    "cancelled": "Cancelled",
    "never_started": "NeverStarted",
    "unanswered": "Unanswered",
}
DURATIONS = ("queue", "run", "total")


def assert_counters_match_runs() -> None:
    """Every counter says exactly what the stored runs say."""
    found, expected = _counters(), _recounted()
    differing = {key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)}
    assert not differing, {key: (found.get(key), expected.get(key)) for key in sorted(differing, key=str)[:5]}


def _counters() -> dict[tuple[Any, ...], tuple[Any, ...]]:
    rows = RunCounter.objects.select_related("series")
    found = {
        (row.series.kind, row.series.definition_id, row.series.token_id, row.series.script_id, row.step, row.start): (
            {status: getattr(row, column) for column, status in STATUSES.items() if getattr(row, column)},
            *(Histogram.from_bytes(bytes(getattr(row, name))) for name in DURATIONS),
        )
        for row in rows
    }
    return {key: value for key, value in found.items() if value[0]}


def _recounted() -> dict[tuple[Any, ...], tuple[Any, ...]]:
    runs: dict[tuple[Any, ...], list[Run]] = defaultdict(list)
    for run in Run.objects.filter(status__in=STATUSES.values()):
        ids = (each or NOBODY for each in (run.definition_id, run.token_id, run.script_id))
        minute = milliseconds_of(run.pk) // 60_000
        for series in ((run.kind, *ids), (run.kind, *[EVERYTHING] * 3)):
            for step in StoredStep:
                runs[*series, step.value, minute - minute % step].append(run)
    return {
        key: (
            dict(Counter(run.status for run in each)),
            *(Histogram.of(_known(getattr(run, f"{name}_milliseconds") for run in each)) for name in DURATIONS),
        )
        for key, each in runs.items()
    }


def _known(durations: Any) -> list[int]:
    return [each for each in durations if each is not None]
