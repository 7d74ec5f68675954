"""What counting costs, and a scrape of a web server whose APIs have all been called (`python -m benchmarks.metrics`).

Prints microseconds of processor time per trigger, and for each number of routes the lines, megabytes and milliseconds
of a scrape, with the numbers of two processes.
"""

import argparse
import time
from collections.abc import Callable

from foundation.exposition import MetricsPage
from foundation.metrics import QUEUE_SECONDS, REQUEST_SECONDS, REQUESTS, RUN_SECONDS, RUNS, WAITING_SLOTS, meters

_CALLS = 100_000
_PROCESSES = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--routes", type=int, nargs="*", default=[10, 100, 2_500])
    chosen = parser.parse_args()
    print(f"off      {_microseconds(_web) + _microseconds(_node):6.2f} µs per trigger")
    for routes in chosen.routes:
        meters.reserve(_PROCESSES)
        for process in range(_PROCESSES):
            meters.begin(process)
            for number in range(routes):
                _web(number)
        _node(0)
        _show_scrape(routes)
    print(f"web      {_microseconds(_web):6.2f} µs per trigger")
    print(f"node     {_microseconds(_node):6.2f} µs per trigger")


def _web(number: int) -> None:
    """What the web server does for a trigger, with one of 500 routes."""
    route = f"benchmarks/of-metrics/{number % 500 if number >= 2_500 else number}/{{id}}/status"
    meters.add(WAITING_SLOTS)
    meters.add(REQUESTS, (route, "POST", "2xx", ""))
    meters.observe(REQUEST_SECONDS, (route,), 0.003)
    meters.add(WAITING_SLOTS, amount=-1.0)


def _node(number: int) -> None:
    """What a worker node does."""
    meters.add(RUNS, ("Trigger", "Succeeded"))
    meters.observe(QUEUE_SECONDS, ("Trigger",), 0.001)
    meters.observe(RUN_SECONDS, ("Trigger",), 0.002)


def _microseconds(work: Callable[[int], None]) -> float:
    begun = time.process_time()
    for number in range(_CALLS):
        work(number)
    return (time.process_time() - begun) * 1_000_000 / _CALLS


def _show_scrape(routes: int) -> None:
    page, begun = MetricsPage(), time.process_time()
    text, _ = page.render("")
    taken = (time.process_time() - begun) * 1_000
    print(f"{routes:6} routes: {len(text.splitlines()):7} lines {len(text) / 1e6:6.2f} MB {taken:8.1f} ms")


if __name__ == "__main__":
    main()
