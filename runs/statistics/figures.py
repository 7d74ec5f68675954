"""Figures: how runs ended and how long they took, of one counter or of many together."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import add
from typing import Any, Final, TypeVar

from fleet.records import RunStatus
from runs.statistics.histogram import EMPTY, Histogram, lanes_of

COUNTED: Final[Mapping[str, str]] = {
    RunStatus.SUCCEEDED: "succeeded",
    RunStatus.FAILED: "failed",
    RunStatus.REFUSED: "refused",
    RunStatus.CANCELLED: "cancelled",
    RunStatus.NEVER_STARTED: "never_started",
    RunStatus.UNANSWERED: "unanswered",
}
"""How a run can end → the column that counts it."""

DURATIONS: Final = ("queue", "run", "total")

COLUMNS: Final = (*COUNTED.values(), *DURATIONS)
"""The columns of a counter that hold its figures."""

FAILURES: Final = (RunStatus.FAILED, RunStatus.UNANSWERED, RunStatus.NEVER_STARTED)
"""How a run ends without an answer of its script, or with one that says that it failed."""

_AT_ONCE: Final = 5_000

KeyOf = TypeVar("KeyOf")


@dataclass(frozen=True, slots=True)
class Figures:
    """`counts` in the order of `COUNTED`; the durations are milliseconds.

    `queue` and `run` know the runs that started, `total` all: from the acceptance to the answer.
    """

    counts: tuple[int, ...] = (0,) * len(COUNTED)
    queue: Histogram = EMPTY
    run: Histogram = EMPTY
    total: Histogram = EMPTY

    def __add__(self, other: "Figures") -> "Figures":
        counts = tuple(map(add, self.counts, other.counts))
        return Figures(counts, *(getattr(self, name) + getattr(other, name) for name in DURATIONS))

    @property
    def by_status(self) -> Mapping[str, int]:
        """The number of runs that ended so, by status."""
        return {str(status): count for status, count in zip(COUNTED, self.counts, strict=True)}

    @property
    def calls(self) -> int:
        return sum(self.counts)

    @property
    def failures(self) -> int:
        by_status = self.by_status
        return sum(by_status[status] for status in FAILURES)

    @property
    def error_rate(self) -> float | None:
        """The share of the runs that failed, from 0 to 1; None if there are no runs."""
        return self.failures / self.calls if self.calls else None


def sums(rows: Iterable[tuple[KeyOf, Sequence[Any]]]) -> dict[KeyOf, Figures]:
    """The figures for each key, out of keys with the `COLUMNS` of counters."""
    found: dict[KeyOf, Figures] = {}
    remaining = iter(rows)
    while part := list(islice(remaining, _AT_ONCE)):
        by_key: defaultdict[KeyOf, list[Sequence[Any]]] = defaultdict(list)
        for key, row in part:
            by_key[key].append(row)
        for key, each in by_key.items():
            found[key] = found[key] + _of_rows(each) if key in found else _of_rows(each)
    return found


def _of_rows(rows: Iterable[Sequence[Any]]) -> Figures:
    """Their integers are added before any object is made."""
    columns = list(zip(*rows, strict=True))
    counts, found = columns[: len(COUNTED)], columns[len(COUNTED) :]
    return Figures(tuple(map(sum, counts)), *(Histogram(sum(map(lanes_of, each))) for each in found))
