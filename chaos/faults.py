"""The faults of `make chaos` in their full size. Import it when Django is set up."""

import os
from collections.abc import Callable
from pathlib import Path

from chaos import broker, expiry, killing, slow, soak
from chaos.report import Row
from tests.nginx import Nginx
from tests.publishing import Publisher
from tests.stack import Stack

TRIGGER_SECONDS = 5
LIMIT_SECONDS = TRIGGER_SECONDS + 1.0


def faults(root: Path, *, small: bool, minutes: float) -> dict[str, Callable[[], list[Row]]]:
    """All faults by name, each on a fresh stack; with `small` about a tenth of everything."""
    publish, size = Publisher(), 10 if small else 1
    data_dir = Path(os.environ["UDAPI_DATA_DIR"])

    def on_stack(fault: Callable[[Stack], list[Row]]) -> Callable[[], list[Row]]:
        def run() -> list[Row]:
            stack = Stack(data_dir, {"UDAPI_TRIGGER_TIMEOUT_SECONDS": str(TRIGGER_SECONDS)})
            try:
                return fault(stack)
            finally:
                stack.stop()

        return run

    found: dict[str, Callable[[Stack], list[Row]]] = {
        "kills": lambda stack: killing.kills(
            stack, publish, triggers=10_000 // size, kills=21 // min(size, 3), limit=LIMIT_SECONDS
        ),
        "rolling": lambda stack: [killing.rolling_restart(stack, publish, rounds=3, limit=LIMIT_SECONDS)],
        "restarts": lambda stack: broker.restarts(
            stack, publish, times=20 // min(size, 4), quick=3, limit=LIMIT_SECONDS
        ),
        "pause": lambda stack: broker.pause(stack, publish, seconds=30, limit=LIMIT_SECONDS),
        "flush": lambda stack: broker.flush(stack, publish, times=5, limit=LIMIT_SECONDS),
        "full": lambda stack: broker.full(stack, publish, seconds=10, limit=LIMIT_SECONDS),
        "outage": lambda stack: broker.outage(stack, publish, seconds=60 / min(size, 2), limit=LIMIT_SECONDS),
        "expiry": lambda stack: expiry.timed_out(stack, publish, count=1_000 // size, callers=100, limit=LIMIT_SECONDS),
        "stopped": lambda stack: expiry.stopped_worker(stack, publish, callers=20, limit=LIMIT_SECONDS),
        "slow": lambda stack: _slow_clients(stack, publish, root),
    }
    if minutes:
        found["soak"] = lambda stack: soak.soak(stack, publish, minutes=minutes, limit=LIMIT_SECONDS)
    return {name: on_stack(fault) for name, fault in found.items()}


def _slow_clients(stack: Stack, publish: Publisher, root: Path) -> list[Row]:
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
