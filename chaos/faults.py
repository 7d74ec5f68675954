"""The faults of `make chaos` in their full size. Import it when Django is set up."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from chaos import broker, expiry, neighbours, overload, partition, past, process_kills, slow, soak, stops
from chaos.report import ReportRow
from testbed.nginx import Nginx
from testbed.publishing import Publisher
from testbed.stack import Stack

TRIGGER_SECONDS = 5
LIMIT_SECONDS = TRIGGER_SECONDS + 1.0
# The product's default.
PATIENT_SECONDS = 90

Fault = Callable[[Stack], list[ReportRow]]


def faults(root: Path, *, small: bool, minutes: float) -> dict[str, Callable[[], list[ReportRow]]]:
    """All faults by name, each on a fresh stack; with `small` about a tenth of everything."""
    publish, size = Publisher(), 10 if small else 1
    found: dict[str, Callable[[], list[ReportRow]]]
    found = {name: partial(_on_stack, TRIGGER_SECONDS, fault) for name, fault in _quick(publish, size, root).items()}
    found |= {name: partial(_on_stack, PATIENT_SECONDS, fault) for name, fault in _patient(publish, size).items()}
    if minutes:
        steady = partial(soak.soak, publish=publish, minutes=minutes, limit=LIMIT_SECONDS)
        found["soak"] = partial(_on_stack, TRIGGER_SECONDS, steady)
    return found


def _on_stack(trigger_seconds: int, fault: Fault) -> list[ReportRow]:
    """Cause the fault on a fresh stack whose callers wait `trigger_seconds`."""
    # More waiting slots than jobs that can be done by the deadline.
    environment = {"UDAPI_TRIGGER_TIMEOUT_SECONDS": str(trigger_seconds), "UDAPI_WEB_THREADS": "1000"}
    stack = Stack(Path(os.environ["UDAPI_DATA_DIR"]), environment)
    try:
        return fault(stack)
    finally:
        stack.stop()


def _quick(publish: Publisher, size: int, root: Path) -> dict[str, Fault]:
    """The faults whose callers soon give up."""
    at_most = LIMIT_SECONDS
    kills = {"triggers": 10_000 // size, "kills": 21 // min(size, 3)}
    restarts = {"times": 20 // min(size, 4), "quick": 3}
    return {
        "kills": lambda stack: process_kills.kills(stack, publish, **kills, limit=at_most),
        "rolling": lambda stack: [process_kills.rolling_restart(stack, publish, rounds=3, limit=at_most)],
        "restarts": lambda stack: broker.restarts(stack, publish, **restarts, limit=at_most),
        "flush": lambda stack: broker.flush(stack, publish, times=5, limit=at_most),
        "full": lambda stack: broker.full(stack, publish, seconds=10, limit=at_most),
        "outage": lambda stack: broker.outage(stack, publish, seconds=60 / min(size, 2), limit=at_most),
        "expiry": lambda stack: expiry.timed_out(stack, publish, count=1_000 // size, callers=100, limit=at_most),
        "stopped": lambda stack: expiry.stopped_worker(stack, publish, callers=20, limit=at_most),
        "overload": lambda stack: overload.overload(
            stack, publish, seconds=60 / size, factors=(0.8, 2, 3), deadline=TRIGGER_SECONDS, limit=at_most
        ),
        "neighbours": lambda stack: neighbours.neighbours(stack, publish, root, seconds=20 / size, limit=at_most),
        "slow": lambda stack: _slow_clients(stack, publish, root),
        "snapshot": lambda stack: past.snapshot(stack, publish, times=5 // min(size, 5), limit=at_most),
        "replica": lambda stack: past.replica(stack, publish, times=5 // min(size, 5), limit=at_most),
    }


def _patient(publish: Publisher, size: int) -> dict[str, Fault]:
    """The faults that end before a caller's time does: a trigger that is answered during one must not run later."""
    at_most = PATIENT_SECONDS + 1.0
    return {
        "freeze": lambda stack: broker.freeze(
            stack, publish, seconds=(2, 3, 8, 12, 30)[: max(2, 5 // size)], limit=at_most
        ),
        "partition": lambda stack: [
            *partition.worker(stack, publish, short=2, long=12, limit=at_most),
            *partition.web(stack, publish, seconds=2, run_seconds=0.2, limit=at_most),
            *partition.web(stack, publish, seconds=15, run_seconds=3, limit=at_most),
        ],
        "stops": lambda stack: stops.stops(stack, publish, times=20 // min(size, 5), seconds=(0.2, 9.0), limit=at_most),
    }


def _slow_clients(stack: Stack, publish: Publisher, root: Path) -> list[ReportRow]:
    """A good client beside slow ones: through nginx, then straight."""
    api = publish()
    directory = root / "nginx"
    directory.mkdir()
    nginx = Nginx(directory, stack.web.port)
    try:
        behind = slow.beside("500 slow connections through nginx", nginx.url, api, connections=500, calls=500)
        straight = [slow.straight(stack, api, connections=count, calls=100) for count in (100, 500, 1_000, 1_500)]
        return [behind, *straight]
    finally:
        nginx.stop()
