"""The main ratios in two minutes (`make bench-quick`). The exit status is 1 if we are slower than the baseline."""

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.speed.contenders import ours, rivals
from benchmarks.speed.load import closed
from benchmarks.speed.product import ECHO, product, publish
from benchmarks.speed.rounds import Measured, measure

ROUNDS, SECONDS = 3, 3
GROSS = 1.0
"""Throughput: ours ÷ baseline. Below it something is badly wrong; the targets are in docs/internals/measurements.md."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", nargs="*", default=["limit", "baseline", "baseline with admission"])
    names = arguments.parse_args().only
    with tempfile.TemporaryDirectory(prefix="udapi-speed-") as directory, product(Path(directory)) as stack:
        api = publish(ECHO, "speed/echo")
        with rivals(Path(directory), stack, api.path, api.secret) as others:
            us = ours(stack, {"path": api.path}, "ours", [api.secret])
            contenders = [us, *(each for each in others if each.name in names)]
            busy = measure(contenders, partial(closed, connections=32, seconds=SECONDS), ROUNDS)
            alone = measure(contenders, partial(closed, connections=1, seconds=SECONDS), ROUNDS)
    _print(busy, alone)
    sys.exit(busy["ours"].rate / busy["baseline"].rate < GROSS if "baseline" in busy else 0)


def _print(busy: dict[str, Measured], alone: dict[str, Measured]) -> None:
    print(f"{'':26}{'calls/s':>9}{'spread':>8}{'ours ÷':>8}{'p50 alone':>12}{'ours ÷':>8}  processor ms per call")
    for name, measured in busy.items():
        cost = ", ".join(f"{program} {value:.2f}" for program, value in measured.cost().items())
        times = busy["ours"].rate / measured.rate
        slower = alone["ours"].percentile(50) / alone[name].percentile(50)
        print(
            f"{name:26}{measured.rate:9.0f}{measured.spread:8.0%}{times:8.2f}"
            f"{alone[name].percentile(50):9.2f} ms{slower:8.2f}  {cost}"
        )
        if measured.bad:
            print(f"{'':26}{measured.bad} calls failed")


if __name__ == "__main__":
    main()
