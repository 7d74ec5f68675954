"""What runs cost: to store, in the database, and to look at when there are a million of them.

`python -m benchmarks.runs [--database postgresql]` stores a million runs of 500 APIs the way the background program
does and prints the figures. Half of the runs are those of the first ten APIs.
"""

import random
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate, islice
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks import databases
from benchmarks.stopwatch import median_seconds, seconds
from testbed.data_dir import make_data_dir, set_up_django

COUNT, DEFINITIONS, DAYS = 1_000_000, 500, 30
TIMED, TIMED_BATCH, BATCH = 20_000, 500, 5_000
ROUNDS, STEPS = 7, 20
_PATH = "/api/management/runs/"
_SQLITE_BYTES = """
    SELECT SUM(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = 'runs_run')
"""

Row = tuple[str, str]
"""What was measured, and the result."""


def show(root: Path, engine: str) -> None:
    """Print all figures as they come."""
    with databases.database(root, engine) as database:
        for what, result in measure(make_data_dir(root / "data"), COUNT, **database):
            print(f"{what:48} {result}", flush=True)


def figures(root: Path, engine: str) -> list[Row]:
    with databases.database(root, engine) as database:
        return list(measure(make_data_dir(root / "data"), COUNT, **database))


def measure(data_dir: Path, count: int, **database: str) -> Iterator[Row]:
    """Fill an empty database with `count` runs, and measure. This process becomes one of the product."""
    set_up_django(data_dir, **database, UDAPI_ALLOWED_HOSTS="testserver")
    chance = random.Random(1)  # noqa: S311
    definitions = [UUID(int=chance.getrandbits(128), version=4) for _ in range(DEFINITIONS)]
    made = records(definitions, count, chance)
    store(islice(made, count - TIMED), BATCH)
    begun, used = time.perf_counter(), time.process_time()
    store(made, TIMED_BATCH)
    yield "to store a run: processor time of the program", f"{(time.process_time() - used) * 1e6 / TIMED:.0f} µs"
    yield "to store a run: time", f"{(time.perf_counter() - begun) * 1e6 / TIMED:.0f} µs"
    yield "a run without log, indexes included", f"{_bytes() / count:.0f} bytes"
    client = _reader()
    for what, query in _queries(definitions).items():
        took = median_seconds(partial(_fetch, client, query), ROUNDS, 1)
        yield f"page of 100: {what}", f"{took * 1_000:.0f} ms"
    steps = sorted(seconds(partial(_retain, count - step * 1_000)) for step in range(1, STEPS + 1))
    yield "a step of the retention, 1,000 runs", f"{steps[STEPS // 2] * 1_000:.0f} ms, at most {steps[-1] * 1_000:.0f}"


def store(records: Iterator[Any], batch: int) -> None:
    """Store the records as the background program does."""
    from django.db import transaction

    from runs.store import store_records

    while part := list(islice(records, batch)):
        with transaction.atomic():
            store_records(part)


def records(definitions: Sequence[UUID], count: int, chance: random.Random) -> Iterator[Any]:
    """`count` runs of the last 30 days, the first definitions the busiest."""
    from django.utils import timezone

    weights = list(accumulate(1 / (10 + place) ** 1.5 for place in range(len(definitions))))
    first, step = timezone.now() - timedelta(days=DAYS - 1), timedelta(days=DAYS - 1) / count
    for number in range(count):
        place = chance.choices(range(len(definitions)), cum_weights=weights)[0]
        yield _record(first + step * number, definitions[place], place, chance)


def _record(moment: datetime, definition: UUID, place: int, chance: random.Random) -> Any:
    """A record as a node leaves it, with names as long as real ones."""
    from fleet.answer import Reason
    from fleet.records import Authority, RunRecord, RunStatus
    from foundation.ids import milliseconds_of
    from hosts.jobs import RunKind
    from testbed.run_rows import id_at

    run_id, has_failed = id_at(moment), chance.random() < 0.03
    return RunRecord(
        id=str(run_id),
        authority=Authority.ENDED,
        status=RunStatus.FAILED if has_failed else RunStatus.SUCCEEDED,
        kind=RunKind.TRIGGER,
        definition_id=str(definition),
        route=f"site-{place % 50:03}/{{device}}/status-{place:04}",
        called_route=f"site-{place % 50:03}/encoder/status-{place:04}",
        method="POST",
        script_id=str(UUID(int=definition.int ^ 1)),
        script_name=f"Status of an encoder, {place:04}",
        script_version=3,
        token_id=str(UUID(int=definition.int % 50)),
        client_address="192.168.100.100",
        node=1 + place % 2,
        queue_milliseconds=1,
        run_milliseconds=20,
        ended_at=milliseconds_of(run_id) + 20 + int(chance.expovariate(0.01)),
        response_code=None if has_failed else 200,
        reason=Reason.ACTION_ERROR if has_failed else "",
        message="a traceback" if has_failed else "",
        request_bytes=100,
        response_bytes=100,
    )


def _bytes() -> int:
    """What the table and its indexes take."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(_SQLITE_BYTES)
        else:
            cursor.execute("SELECT pg_total_relation_size('runs_run')")
        return int(cursor.fetchone()[0])


def _reader() -> Any:
    from django.contrib.auth.models import User
    from django.test import Client

    from keys.changes import create_key

    _, key = create_key(User.objects.create_superuser("benchmark"), "benchmark", 1)
    return Client(headers={"Authorization": f"Token {key}"})


def _queries(definitions: Sequence[UUID]) -> dict[str, str]:
    """What is looked at, as queries of the management API."""
    from django.utils import timezone

    from testbed.run_rows import id_at

    deep = id_at(timezone.now() - timedelta(days=DAYS * 0.9))
    busiest, middle, rarest = definitions[0], definitions[DEFINITIONS // 2], definitions[-1]
    return {
        "the newest": "",
        "deep in": f"before={deep}",
        "the API with the most runs": f"definition={busiest}",
        "an API with few runs": f"definition={rarest}",
        "an API with few runs, deep in": f"definition={rarest}&before={deep}",
        "two APIs": f"definition={busiest}&definition={middle}",
        "failed": "status=Failed",
        "refused (none)": "status=Refused",
        "with error code 12": "errorCode=12",
        "of a token": f"token={UUID(int=middle.int % 50)}",
        "of a script": f"script={UUID(int=middle.int ^ 1)}",
        "failed, of the API with the most runs": f"definition={busiest}&status=Failed",
        "slower than a second": "slowerThan=1000",
    }


def _fetch(client: Any, query: str) -> None:
    answer = client.get(f"{_PATH}?{query}")
    if answer.status_code != 200:
        raise SystemExit(f"{query}: {answer.content.decode()}")


def _retain(most: int) -> None:
    from runs.retention import prune

    prune(DAYS, most)


if __name__ == "__main__":
    databases.run(__doc__, show)
