"""What statistics take in the database after a year, how fast they are read, and what counting costs.

`python -m benchmarks.statistics [--database postgresql]` writes the counters that are kept after 400 days in which 60
pairs of an API and a token were busy in every minute, and prints the figures. Then 2,500 APIs that are called every
few hours join them.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from operator import add
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks import databases
from benchmarks.stopwatch import median_seconds
from testbed.data_dir import make_data_dir, set_up_django

PAIRS, TOKENS, QUIET = 60, 12, 2_500
QUIET_SHARE = 0.1
"""In how many of its hours such an API is called, once."""
A_MINUTE = 30
"""Calls of a pair."""
STORED, STORED_BATCH = 20_000, 250
_VARIANTS, _LARGEST_SAMPLE, _BATCH, _ROUNDS = 8, 1_000, 20_000, 7
_TABLES = ("runs_runcounter", "runs_series")

Row = tuple[str, str]
"""What was measured, and the result."""


def show(root: Path, engine: str) -> None:
    """Print all figures as they come."""
    with databases.database(root, engine) as database:
        for what, result in measure(make_data_dir(root / "data"), **database):
            print(f"{what:64} {result}", flush=True)


def measure(data_dir: Path, **database: str) -> Iterator[Row]:
    """Fill an empty database, and measure. This process becomes one of the product."""
    set_up_django(data_dir, **database)
    chance = random.Random(1)  # noqa: S311
    busy = _series(PAIRS, chance)
    _fill(busy, 1.0, chance)
    yield "counters", f"{_count():,}"
    yield from ((f"bytes of {table} with its indexes", f"{_bytes(table):,}") for table in _TABLES)
    yield from _timed(_charts(busy))
    yield from _stored(busy, chance)
    quiet = _series(QUIET, chance)
    _fill(quiet, QUIET_SHARE, chance)
    yield f"counters, with {QUIET:,} APIs more", f"{_count():,}"
    yield from ((f"bytes of {table} with its indexes", f"{_bytes(table):,}") for table in _TABLES)
    yield from _timed(_charts(busy) | _lists(quiet))


def _series(count: int, chance: random.Random) -> Sequence[Any]:
    from runs.models import Series

    tokens = [UUID(int=1 + place) for place in range(TOKENS)]
    made = [
        Series(
            kind="Trigger",
            definition_id=UUID(int=chance.getrandbits(128), version=4),
            token_id=tokens[place % TOKENS],
            script_id=UUID(int=chance.getrandbits(128), version=4),
        )
        for place in range(count)
    ]
    Series.objects.bulk_create(made, batch_size=500)
    return list(Series.objects.filter(definition_id__in=[each.definition_id for each in made]).order_by("pk"))


def _fill(series: Sequence[Any], share: float, chance: random.Random) -> None:
    """Write what is kept, in the order in which it came."""
    from django.db import connection, transaction

    from runs.statistics.counters import write

    rows = _rows(series, share, chance)
    while part := dict(islice(rows, _BATCH)):
        with transaction.atomic():
            write(part)
    with connection.cursor() as cursor:
        # As the database does now and then of its own accord.
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def _rows(
    series: Sequence[Any], share: float, chance: random.Random
) -> Iterator[tuple[tuple[int, int, int], Sequence[int]]]:
    from runs.models import Series
    from runs.statistics.figures import COLUMNS
    from runs.statistics.models import EVERYTHING, StoredStep
    from runs.statistics.periods import KEPT, minute_of

    together, _ = Series.objects.get_or_create(
        kind="Trigger", definition_id=EVERYTHING, token_id=EVERYTHING, script_id=EVERYTHING
    )

    now = datetime.now(UTC)
    for step in sorted(StoredStep, reverse=True):
        likely = min(1.0, share * step / StoredStep.HOUR) if share < 1 else 1.0
        calls = A_MINUTE * step if share == 1 else max(1, round(share * step / StoredStep.HOUR))
        variants = {each.pk: [_figures(calls, each.pk, chance) for _ in range(_VARIANTS)] for each in series}
        for start in range(minute_of(now - KEPT[step]) // step * step, minute_of(now) + 1, step):
            everything = [0] * len(COLUMNS)
            for each in series:
                if chance.random() < likely:
                    found = chance.choice(variants[each.pk])
                    everything = list(map(add, everything, found))
                    yield (each.pk, step.value, start), found
            yield (together.pk, step.value, start), everything


def _figures(calls: int, place: int, chance: random.Random) -> Sequence[int]:
    """The numbers of a counter of so many calls: two in a hundred fail, most take some milliseconds, few take long."""
    from runs.statistics.histogram import Histogram

    size = min(calls, _LARGEST_SAMPLE)
    queue = [round(chance.expovariate(0.5)) for _ in range(size)]
    run = [round(chance.lognormvariate(2.5 + place % 5, 0.6)) for _ in range(size)]
    total = [waited + ran + round(chance.expovariate(0.3)) for waited, ran in zip(queue, run, strict=True)]
    failed = sum(chance.random() < 0.02 for _ in range(size))
    counts, durations = (size - failed, failed, 0, 0, 0, 0), (Histogram.of(each).lanes for each in (queue, run, total))
    return [number * max(1, round(calls / size)) for number in (*counts, *durations)]


def _count() -> int:
    from runs.models import RunCounter

    return RunCounter.objects.count()


def _bytes(table: str) -> int:
    """What a table and its indexes take."""
    from django.db import connection

    statement = {
        "sqlite": "SELECT SUM(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = %s)",
        "postgresql": "SELECT pg_total_relation_size(%s)",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(statement, [table])
        return int(cursor.fetchone()[0])


def _timed(questions: dict[str, Callable[[], object]]) -> Iterator[Row]:
    """With the processor time of this process, which other work on the machine does not change much."""
    for what, ask in questions.items():
        ask()
        used = time.process_time()
        took = median_seconds(ask, _ROUNDS)
        used = (time.process_time() - used) / _ROUNDS
        yield what, f"{took * 1_000:.0f} ms ({used * 1_000:.0f})"


def _charts(series: Sequence[Any]) -> dict[str, Callable[[], object]]:
    from runs.statistics import query
    from runs.statistics.query import StatisticsFilters

    everything, one = StatisticsFilters(), StatisticsFilters(definition=[series[7].definition_id])
    of_token = StatisticsFilters(token=[series[7].token_id])
    clients = StatisticsFilters(kind=["Trigger", "Message"])
    charts = {f"chart of {name}, everything": partial(query.over_time, clients, _last(name)) for name in _DAYS}
    sums = {f"busiest and failing APIs of {name}": _ranking(clients, name) for name in ("an hour", "a day", "7 days")}
    return {
        **charts,
        "chart of a year, without a filter": partial(query.over_time, everything, _last("a year")),
        "chart of a year, one API": partial(query.over_time, one, _last("a year")),
        "chart of a day, one API": partial(query.over_time, one, _last("a day")),
        "chart of a year, one token": partial(query.over_time, of_token, _last("a year")),
        "figures of each API of a token, a year": partial(query.by, "definition", of_token, _last("a year")),
        "figures of each API, a year": partial(query.by, "definition", everything, _last("a year")),
        **sums,
    }


_DAYS = {"an hour": 1 / 24, "6 hours": 1 / 4, "a day": 1, "7 days": 7, "30 days": 30, "a year": 366}


def _last(name: str, step: str | None = None) -> Any:
    from datetime import timedelta

    from runs.statistics.periods import Period, Step

    now = datetime.now(UTC)
    return Period.of(now - timedelta(days=_DAYS[name]), now, Step(step) if step else None)


def _ranking(filters: Any, name: str) -> Callable[[], object]:
    from runs.statistics import query

    return partial(query.counts_by, "definition", filters, _last(name))


def _lists(series: Sequence[Any]) -> dict[str, Callable[[], object]]:
    from runs.statistics import query
    from runs.statistics.query import StatisticsFilters

    definitions = [each.definition_id for each in series]
    tokens = [UUID(int=1 + place) for place in range(TOKENS)]
    ask = partial(query.calls_over_time, filters=StatisticsFilters(), period=_last("a day", "1h"))
    return {
        "sparklines of a page of 100 APIs": partial(ask, "definition", definitions[:100]),
        f"sparklines of {len(definitions):,} APIs": partial(ask, "definition", definitions),
        f"sparklines of {TOKENS} tokens": partial(ask, "token", tokens),
    }


def _stored(series: Sequence[Any], chance: random.Random) -> Iterator[Row]:
    """The cost of storing runs, with and without counting them, in turns."""
    from unittest import mock

    from runs.statistics.counters import RunChanges

    used = {True: 0.0, False: 0.0}
    for number in range(2 * STORED // STORED_BATCH):
        records = [_record(chance.choice(series)) for _ in range(STORED_BATCH)]
        is_counted = bool(number % 2)
        begun = time.process_time()
        if is_counted:
            _store(records)
        else:
            with mock.patch.multiple(RunChanges, insert=_ignore, apply=_ignore):
                _store(records)
        used[is_counted] += time.process_time() - begun
    for is_counted, seconds in used.items():
        what = "processor time to store a run" + (", counted" if is_counted else ", not counted")
        yield what, f"{seconds * 1e6 / STORED:.0f} µs"


def _ignore(*_: object) -> None:
    pass


def _store(records: Sequence[Any]) -> None:
    from django.db import transaction

    from runs.store import store_records

    with transaction.atomic():
        store_records(records)


def _record(series: Any) -> Any:
    from fleet.records import Authority, RunRecord, RunStatus
    from foundation.ids import new_run_id
    from foundation.times import now_milliseconds
    from hosts.jobs import RunKind

    return RunRecord(
        id=new_run_id(),
        authority=Authority.ENDED,
        status=RunStatus.SUCCEEDED,
        kind=RunKind.TRIGGER,
        definition_id=str(series.definition_id),
        route="site-007/{device}/status",
        called_route="site-007/encoder/status",
        method="POST",
        script_id=str(series.script_id),
        script_name="Status of an encoder",
        script_version=3,
        token_id=str(series.token_id),
        node=1,
        queue_milliseconds=1,
        run_milliseconds=20,
        ended_at=now_milliseconds() + 30,
        response_code=200,
    )


if __name__ == "__main__":
    databases.run(__doc__, show)
