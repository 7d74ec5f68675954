"""`make bench`: our stack and the alternatives in turns on one machine; writes `benchmarks/RESULTS.md` and plots."""

import argparse
import statistics
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from benchmarks import runs, scale
from benchmarks.speed import report, trials
from benchmarks.speed.contenders import Contender, ours, rivals
from benchmarks.speed.load import closed
from benchmarks.speed.product import ECHO, SLEEP, limited_secrets, product, publish
from benchmarks.speed.report import Table
from benchmarks.speed.rounds import Measured, measure

CONNECTIONS = (1, 8, 32, 128)
LIMITED = "ours, with a rate limit"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="udapi-speed-") as directory:
        tables = _side_by_side(Path(directory), chosen.rounds, chosen.seconds)
    with tempfile.TemporaryDirectory(prefix="udapi-scale-") as directory:
        tables.append(_scale(Path(directory)))
    with tempfile.TemporaryDirectory(prefix="udapi-runs-") as directory:
        tables.append(_runs(Path(directory)))
    report.write(tables)


def _side_by_side(directory: Path, rounds: int, seconds: float) -> list[Table]:
    with product(directory, UDAPI_LOG_MAX_BYTES="100000000") as stack:
        echo, sleeping = publish(ECHO, "speed/echo"), publish(SLEEP, "speed/sleeping")
        us = ours(stack, {"path": echo.path}, "ours", [echo.secret])
        limited = ours(stack, {"path": echo.path}, LIMITED, limited_secrets(echo))
        with rivals(directory, stack, echo.path, echo.secret) as others:
            found = _throughput([us, limited, *others], rounds, seconds)
        rates, times = trials.rates(us, seconds * 2, max(3, rounds // 2))
        report.plot_rates(times)
        return [
            *(_table(connections, measured) for connections, measured in found.items()),
            rates,
            trials.redis_commands(stack, us, echo),
            trials.cold_starts(stack),
            trials.nodes(stack, us, sleeping, seconds),
            trials.crowd(stack, sleeping),
            trials.bodies(stack, us, echo),
            trials.large(stack, us, echo),
        ]


def _throughput(contenders: list[Contender], rounds: int, seconds: float) -> dict[int, dict[str, Measured]]:
    found = {}
    for connections in CONNECTIONS:
        found[connections] = measure(contenders, partial(closed, connections=connections, seconds=seconds), rounds)
        print(_table(connections, found[connections]), flush=True)
    report.plot_throughput(found)
    report.plot_cost(found[32] if 32 in found else found[CONNECTIONS[0]])
    return found


def _table(connections: int, found: Mapping[str, Measured]) -> Table:
    header = ["", "calls/s", "spread", "ours ÷", "p50", "p90", "p95", "p99", "p50: ours ÷"]
    header += ["processor ms per call", "switches", "failed"]
    us = found["ours"]
    rows = [
        [
            name,
            f"{each.rate:.0f}",
            f"{each.spread:.0%}",
            f"{us.rate / (each.rate or 1):.2f}",
            *(f"{each.percentile(p):.1f}" for p in (50, 90, 95, 99)),
            f"{us.percentile(50) / each.percentile(50):.2f}",
            ", ".join(f"{program} {value:.2f}" for program, value in each.cost().items()),
            f"{statistics.median(each.switches):.0f}",
            each.bad,
        ]
        for name, each in found.items()
    ]
    return Table(f"Echo of 100 bytes, {connections} connection(s)", header, rows, "Times in milliseconds.")


def _scale(directory: Path) -> Table:
    found = dict(scale.measure(directory, "sqlite"))
    few, *_, many = scale.COUNTS
    rows = [
        [kind, *(f"{each:.2f} ms" for each in medians.values()), f"{medians[many] / medians[few]:.2f}"]
        for kind, medians in found.items()
    ]
    header = ["route", *(f"{count:,} objects" for count in scale.COUNTS), "most ÷ fewest"]
    return Table("Definitions and tokens, median of a single caller", header, rows)


def _runs(directory: Path) -> Table:
    """Measured in a process of its own: this one belongs to the product of another directory."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        rows = pool.submit(runs.figures, directory, "sqlite").result()
    return Table(f"{runs.COUNT:,} runs of {runs.DEFINITIONS} APIs", ["", "SQLite"], rows)


if __name__ == "__main__":
    main()
