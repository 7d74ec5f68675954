"""The counters that change with the runs, in the transaction that stores these.

A run is counted once it is over, under the time of its acceptance. When another record changes how it ended, it is
counted so instead. What the counters say and what the stored runs say is therefore the same.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from operator import add
from typing import Any, Final, NamedTuple

from django.db import connection

from foundation.ids import milliseconds_of
from runs.statistics import histogram
from runs.statistics.figures import COLUMNS, COUNTED, DURATIONS
from runs.statistics.histogram import Histogram
from runs.statistics.models import EVERYTHING, NOBODY, RunCounter, Series, StoredStep

_DIMENSIONS: Final = ("definition_id", "token_id", "script_id", "kind")
_KEY: Final = ("series_id", "step", "start")
_PLACES: Final = {str(status): place for place, status in enumerate(COUNTED)}
_TIMES: Final = [(place, f"{name}_milliseconds") for place, name in enumerate(DURATIONS, len(COUNTED))]
_COUNTED_COLUMNS: Final = ("status", *_DIMENSIONS, *(name for _, name in _TIMES))
_STEPS: Final = [step.value for step in StoredStep]
_MILLISECONDS: Final = 60_000
_LAST_MINUTE: Final = 2**31 - 1

Numbers = Sequence[int]
"""The values of `COLUMNS`, with each histogram as its integer. Plain numbers: they are added for every trigger."""

Key = tuple[int, int, int]
"""The values of `_KEY`."""

SeriesKey = tuple[Any, ...]
"""The values of `_DIMENSIONS`."""

Columns = Mapping[str, Any]
"""The columns of a run."""


class _Place(NamedTuple):
    series: SeriesKey
    minute: int


_Tallies = defaultdict[_Place, list[int]]
"""`Numbers` of the runs that are counted together."""


class RunChanges:
    """What a batch of runs changes: the runs that are counted from now on, and those that are so no longer."""

    def __init__(self) -> None:
        self._added, self._removed = _tallies(), _tallies()

    def insert(self, run: Columns) -> None:
        if run["status"] in _PLACES:
            _count(self._added, run)

    def replace(self, known: Columns, run: Columns) -> None:
        """A stored run is another one from now on."""
        if all(known[name] == run[name] for name in _COUNTED_COLUMNS):
            return
        if known["status"] in _PLACES:
            _count(self._removed, known)
        self.insert(run)

    def apply(self) -> None:
        """Change the counters, in the transaction of the caller. Whoever comes at the same time waits.

        Raises:
            django.db.Error
        """
        if not self._added and not self._removed:
            return
        ids = _series({each for place in (*self._added, *self._removed) for each in _counted_in(place.series)})
        added, removed = _by_counter(self._added, ids), _by_counter(self._removed, ids)
        changed = {*added, *removed}
        known, nothing = _known(changed), [0] * len(COLUMNS)
        found = {key: list(map(add, known.get(key, nothing), added.get(key, nothing))) for key in sorted(changed)}
        write(found | {key: _without(found[key], gone) for key, gone in removed.items()})


def _tallies() -> _Tallies:
    return defaultdict(lambda: [0] * len(COLUMNS))


def _count(tallies: _Tallies, run: Columns) -> None:
    minute = min(milliseconds_of(run["id"]) // _MILLISECONDS, _LAST_MINUTE)
    numbers = tallies[_Place((*(run[name] or NOBODY for name in _DIMENSIONS),), minute)]
    numbers[_PLACES[run["status"]]] += 1
    for place, name in _TIMES:
        if (milliseconds := run[name]) is not None:
            numbers[place] += histogram.lane_of(milliseconds)


def _counted_in(series: SeriesKey) -> Iterable[SeriesKey]:
    """The series itself, and that of everything of its kind."""
    return series, (EVERYTHING, EVERYTHING, EVERYTHING, series[-1])


def _by_counter(tallies: _Tallies, ids: Mapping[SeriesKey, int]) -> dict[Key, Numbers]:
    found: dict[Key, Numbers] = {}
    for place, numbers in tallies.items():
        for series in map(ids.__getitem__, _counted_in(place.series)):
            for step in _STEPS:
                key = series, step, place.minute - place.minute % step
                found[key] = list(map(add, found[key], numbers)) if key in found else numbers
    return found


def _without(numbers: Numbers, gone: Numbers) -> Numbers:
    """These runs but those. Nothing falls below zero, even if the counter of those has been deleted as too old."""
    counts = [max(0, count - less) for count, less in zip(numbers, gone, strict=True)][: len(COUNTED)]
    pairs = zip(numbers[len(COUNTED) :], gone[len(COUNTED) :], strict=True)
    return [*counts, *(Histogram(lanes).without(Histogram(less)).lanes for lanes, less in pairs)]


def _series(wanted: Collection[SeriesKey]) -> Mapping[SeriesKey, int]:
    """The ids of series, new ones included, which are locked until the transaction ends."""
    known = _locked(wanted)
    if len(known) == len(wanted):
        return known
    # In one order, so that two processes do not wait for each other.
    new = sorted(wanted - known.keys(), key=str)
    Series.objects.bulk_create(
        [Series(**dict(zip(_DIMENSIONS, key, strict=True))) for key in new], ignore_conflicts=True
    )
    return _locked(wanted)


def _locked(wanted: Collection[SeriesKey]) -> dict[SeriesKey, int]:
    is_native = connection.features.has_native_uuid_field
    stored = {(*ids, kind) if is_native else (*(each.hex for each in ids), kind): (*ids, kind) for *ids, kind in wanted}
    with connection.cursor() as cursor:
        cursor.execute(_search(len(stored)), [value for key in stored for value in key])
        return {stored[values]: pk for pk, *parts in cursor.fetchall() if (values := tuple(parts)) in stored}


def _search(count: int) -> str:
    """The statement that finds and locks so many series. Django's lists of ids would multiply."""
    quote = connection.ops.quote_name
    names = ", ".join(map(quote, _DIMENSIONS))
    marks = ", ".join([f"({', '.join(['%s'] * len(_DIMENSIONS))})"] * count)
    table = quote(Series._meta.db_table)
    found = f"SELECT id, {names} FROM {table} WHERE ({names}) IN (VALUES {marks}) ORDER BY id"  # noqa: S608
    lock = connection.ops.for_update_sql(no_key=True) if connection.features.has_select_for_update else ""
    return f"{found} {lock}"


def _known(wanted: Collection[Key]) -> dict[Key, Numbers]:
    series, starts = {key[0] for key in wanted}, {key[2] for key in wanted}
    # With the steps, the database finds each counter in the primary key instead of reading all of a series.
    rows = RunCounter.objects.filter(series_id__in=series, step__in=_STEPS, start__in=starts)
    found = rows.values_list(*_KEY, *COLUMNS)
    return {key: _numbers(row) for pk, step, start, *row in found if (key := (pk, step, start)) in wanted}


def _numbers(row: Sequence[Any]) -> Numbers:
    return [*row[: len(COUNTED)], *map(histogram.lanes_of, row[len(COUNTED) :])]


@cache
def _statement() -> str:
    quote = connection.ops.quote_name
    names = ", ".join(map(quote, (*_KEY, *COLUMNS)))
    marks = ", ".join(["%s"] * (len(_KEY) + len(COLUMNS)))
    key = ", ".join(map(quote, _KEY))
    changes = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in COLUMNS)
    into = f"INSERT INTO {quote(RunCounter._meta.db_table)} ({names}) VALUES ({marks})"  # noqa: S608
    return f"{into} ON CONFLICT ({key}) DO UPDATE SET {changes}"


def write(counters: Mapping[Key, Numbers]) -> None:
    """Store counters as they are, in the transaction of the caller.

    Raises:
        django.db.Error
    """
    rows: list[list[Any]] = [
        [*key, *numbers[: len(COUNTED)], *map(histogram.stored, numbers[len(COUNTED) :])]
        for key, numbers in counters.items()
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_statement(), rows)
