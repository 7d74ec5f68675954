"""What traces cost: processor time and throughput of stacks that record none, 1 % and all of them.

`python -m benchmarks.traces [--rounds 20]` calls three stacks in turns for about four minutes. Callers send no
`traceparent`; a collector in this process takes the spans, and its own processor time does not count.
"""

import argparse
import statistics
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.speed import contenders
from benchmarks.speed.load import closed
from benchmarks.speed.product import ECHO, publish
from benchmarks.speed.rounds import Measured, measure
from testbed.collector import Collector
from testbed.data_dir import make_data_dir, set_up_django
from testbed.stack import Stack, own_data_dir

CONNECTIONS, SECONDS = 16, 2.0
_BY_RATIO = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"}


def variants(collector: Collector) -> dict[str, dict[str, str]]:
    """The environment of each stack, the one that records nothing first."""
    recorded = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    return {
        "off": {},
        "1 %": recorded | _BY_RATIO | {"OTEL_TRACES_SAMPLER_ARG": "0.01"},
        "all": recorded,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="udapi-traces-") as directory, ExitStack() as exits:
        root = Path(directory)
        set_up_django(make_data_dir(root / "data"))
        api = publish(ECHO, "traces/echo")
        collector = exits.enter_context(Collector())
        ours = [
            contenders.ours(
                exits.enter_context(_stack(root / name, environment)), {"path": api.path}, name, [api.secret]
            )
            for name, environment in variants(collector).items()
        ]
        _print(measure(ours, partial(closed, connections=CONNECTIONS, seconds=SECONDS), rounds))
        print(f"{len(collector.spans)} spans reached the collector")


def _stack(directory: Path, environment: dict[str, str]) -> Stack:
    """A stack of its own with the database of all."""
    from django.conf import settings

    data_dir, shared = own_data_dir(directory, f"sqlite:///{settings.DATA_DIR.database_file}")
    return Stack(data_dir, shared | environment)


def _print(found: dict[str, Measured]) -> None:
    without = found["off"]
    for name, measured in found.items():
        costs = {program: f"{cost:.3f}" for program, cost in measured.cost().items()}
        compared = _middle(_ratios(measured, without)), _middle(_rates(measured, without))
        print(f"{name:6}{measured.rate:7.0f} calls/s, processor ms per call {costs}, bad {measured.bad}")
        print(f"{'':6}processor time ÷ off {compared[0]}, calls/s ÷ off {compared[1]}")


def _ratios(measured: Measured, without: Measured) -> list[float]:
    return [ours / theirs for ours, theirs in zip(_totals(measured), _totals(without), strict=True)]


def _totals(measured: Measured) -> list[float]:
    """The processor time per call of all programs together, for each round."""
    programs: Any = measured.milliseconds.values()
    return [sum(each) for each in zip(*programs, strict=True)]


def _rates(measured: Measured, without: Measured) -> list[float]:
    return [ours.rate / (theirs.rate or 1e-9) for ours, theirs in zip(measured.loads, without.loads, strict=True)]


def _middle(ratios: list[float]) -> str:
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
