"""The faults of `make chaos` in full size. Import it after `django.setup()`."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from chaos import (
    broker,
    expiry,
    neighbours,
    overload,
    package_isolation,
    partition,
    process_kills,
    rollback,
    run_buffer,
    runs,
    soak,
    statistics,
    stops,
)
from chaos.rows import ReportRow
from chaos.slow_connections import beside, straight
from chaos.trial import Trial
from testbed.nginx import Nginx
from testbed.postgresql import PostgresqlServer
from testbed.publisher import Publisher
from testbed.stack import Stack
from testbed.wheels import Wheelhouse

TRIGGER_SECONDS = 5
# The product's default.
PATIENT_SECONDS = 90

Fault = Callable[[Trial], list[ReportRow]]


def faults(
    root: Path, server: PostgresqlServer | None, *, small: bool, minutes: float
) -> dict[str, Callable[[], list[ReportRow]]]:
    """All faults by name, each with a stack of its own; with `small`, about a tenth of everything.

    The database is the PostgreSQL `server`, or else SQLite.
    """
    size = 10 if small else 1
    groups: list[tuple[int, dict[str, Fault]]] = [
        (TRIGGER_SECONDS, _quick(size, root)),
        (TRIGGER_SECONDS, _recorded(size, server)),
        (PATIENT_SECONDS, _patient(size)),
        (TRIGGER_SECONDS, {"soak": partial(soak.soak, minutes=minutes)} if minutes else {}),
    ]
    return {name: partial(_on_stack, seconds, fault) for seconds, group in groups for name, fault in group.items()}


def _on_stack(trigger_seconds: int, fault: Fault) -> list[ReportRow]:
    """Cause the fault on a new stack whose callers wait `trigger_seconds`."""
    # There are more waiting slots than jobs that can be done by the deadline.
    environment = {"UDAPI_TRIGGER_TIMEOUT_SECONDS": str(trigger_seconds), "UDAPI_WEB_THREADS": "1000"}
    if address := os.environ.get("DATABASE_URL"):
        environment["DATABASE_URL"] = address
    with Stack(Path(os.environ["UDAPI_DATA_DIR"]), environment) as stack:
        return fault(Trial(stack, Publisher(), trigger_seconds + 1.0))


def _quick(size: int, root: Path) -> dict[str, Fault]:
    """The faults whose callers wait for a short time only."""
    few = 5 // min(size, 5)
    return {
        "kills": partial(process_kills.kills, triggers=10_000 // size, kills=21 // min(size, 3)),
        "rolling": partial(process_kills.rolling_restart, rounds=3),
        "restarts": partial(broker.restarts, times=20 // min(size, 4), quick=3),
        "flush": partial(broker.flush, times=5),
        "full": partial(broker.full, seconds=10),
        "outage": partial(broker.outage, seconds=60 / min(size, 2)),
        "expiry": partial(expiry.timed_out, count=1_000 // size, callers=100),
        "stopped": partial(expiry.stopped_worker, callers=20),
        "overload": partial(overload.overload, seconds=60 / size, factors=(0.8, 2, 3), deadline=TRIGGER_SECONDS),
        "neighbours": partial(neighbours.neighbours, directory=root, seconds=20 / size),
        "packages": partial(_packages, runs=10_000 // size),
        "slow": partial(_slow_clients, directory=root / "nginx"),
        "snapshot": partial(rollback.snapshot, times=few),
        "replica": partial(rollback.replica, times=few),
    }


def _recorded(size: int, server: PostgresqlServer | None) -> dict[str, Fault]:
    """The faults after which the runs are counted."""
    return {
        "runs": partial(runs.kills, triggers=10_000 // size, kills=20 // min(size, 4), server=server),
        "buffer": partial(run_buffer.full, seconds=600 / size, server=server),
        "statistics": partial(
            statistics.agreement,
            triggers=10_000 // size,
            faults=21 // min(size, 3),
            store=runs.store_patiently,
            server=server,
        ),
        "forgotten": partial(run_buffer.killed_redis, times=5 // min(size, 5)),
    }


def _patient(size: int) -> dict[str, Fault]:
    """The faults that end before a caller's deadline: a trigger that is answered during one must not run later."""
    return {
        "freeze": partial(broker.freeze, seconds=(2, 3, 8, 12, 30)[: max(2, 5 // size)]),
        "partition": _partitions,
        "stops": partial(stops.stops, times=20 // min(size, 5), seconds=(0.2, 9.0)),
    }


def _partitions(trial: Trial) -> list[ReportRow]:
    return [
        *partition.worker(trial, short=2, long=12),
        *partition.web(trial, seconds=2, run_seconds=0.2),
        *partition.web(trial, seconds=15, run_seconds=3),
    ]


def _packages(trial: Trial, *, runs: int) -> list[ReportRow]:
    return package_isolation.isolation(trial, Wheelhouse(Path(trial.stack.environment["UDAPI_WHEELHOUSE"])), runs=runs)


def _slow_clients(trial: Trial, *, directory: Path) -> list[ReportRow]:
    """A good client beside slow ones: first through nginx, then straight to gunicorn."""
    api = trial.publish()
    directory.mkdir()
    nginx = Nginx(directory, trial.stack.web.port)
    try:
        behind = beside("500 slow connections through nginx", nginx.url, api, connections=500, calls=500)
        counts = (100, 500, 1_000, 1_500)
        return [behind, *(straight(trial.stack, api, connections=count, calls=100) for count in counts)]
    finally:
        nginx.stop()
