"""Is one checkout slower than another?

`python -m benchmarks.speed.checkouts BEFORE AFTER` runs a whole stack of each, the background program included, calls
them in turns for about four minutes, and prints AFTER ÷ BEFORE: the median of all pairs of rounds, and the half of
them around it. Processor time is that of all programs, and includes what they do after the last answer.

`--with NAME=VALUE` is a setting that only AFTER has: with the same checkout twice, this is what the setting costs.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

from benchmarks.speed import usage
from benchmarks.speed.contenders import Contender
from benchmarks.speed.load import Load, closed

_REST_SECONDS, _IDLE_SECONDS = 1.5, 20.0
_PROGRAM = Path(__file__).with_name("served.py")

Round = TypeVar("Round")


@dataclass
class Turns:
    """What one checkout did in its rounds; `cost` is program → processor time per call, in milliseconds."""

    loads: list[Load] = field(default_factory=list)
    cost: list[dict[str, float]] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--with", dest="settings", action="append", default=[], metavar="NAME=VALUE")
    chosen = parser.parse_args()
    with ExitStack() as exits:
        pair = [
            exits.enter_context(_stack(chosen.before, [])),
            exits.enter_context(_stack(chosen.after, chosen.settings)),
        ]
        for connections in (32, 1):
            _show(connections, _in_turns(pair, connections, chosen.rounds, chosen.seconds))
        _show_idle(pair)


@contextmanager
def _stack(root: Path, settings: Sequence[str]) -> Iterator[Contender]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root.resolve())}
    # Without -P, the modules beside the program would come first.
    command = [sys.executable, "-P", str(_PROGRAM), *settings]
    with subprocess.Popen(
        command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        yield Contender(str(root), **json.loads(process.stdout.readline()))
        process.stdin.close()


def _in_turns(pair: Sequence[Contender], connections: int, rounds: int, seconds: float) -> list[Turns]:
    """The rounds of both, after one that does not count. Each begins every other pair."""
    turns = [Turns(), Turns()]
    for number in range(rounds + 1):
        for place in (0, 1) if number % 2 else (1, 0):
            contender, begun = pair[place], usage.taken(pair[place].programs)
            load = closed(contender, connections, seconds)
            if load.bad:
                raise SystemExit(f"{contender.name}: {load.bad} calls failed")
            # Runs are still stored after their answers.
            time.sleep(_REST_SECONDS)
            if number:
                turns[place].loads.append(load)
                turns[place].cost.append(_cost(contender, begun, load.requests))
    return turns


def _cost(contender: Contender, begun: dict[str, usage.ProgramUsage], calls: int) -> dict[str, float]:
    taken = usage.taken(contender.programs)
    return {name: each.since(begun[name]).seconds * 1_000 / calls for name, each in taken.items()}


def _show(connections: int, turns: Sequence[Turns]) -> None:
    before, after = turns
    print(f"{connections} caller(s)")
    _show_ratio("calls/s", before.loads, after.loads, lambda load: load.rate)
    _show_ratio("p50", before.loads, after.loads, lambda load: load.milliseconds[50])
    _show_ratio("processor ms per call", before.cost, after.cost, lambda cost: sum(cost.values()))
    for name in before.cost[0]:
        _show_ratio(f"  {name}", before.cost, after.cost, itemgetter(name))


def _show_ratio(what: str, before: Sequence[Round], after: Sequence[Round], value: Callable[[Round], float]) -> None:
    ratios = [value(late) / (value(early) or 1e-9) for early, late in zip(before, after, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    medians = [statistics.median(map(value, rounds)) for rounds in (before, after)]
    print(f"  {what:24}{medians[0]:9.3f}{medians[1]:9.3f}   ÷ {middle:.3f}  ({low:.3f} to {high:.3f})", flush=True)


def _show_idle(pair: Sequence[Contender]) -> None:
    """Memory, and the share of a processor that an idle stack takes."""
    begun = [usage.taken(each.programs) for each in pair]
    time.sleep(_IDLE_SECONDS)
    print(f"idle for {_IDLE_SECONDS:.0f} s, before and after")
    for name in pair[0].programs:
        shares = [
            usage.taken(each.programs)[name].since(early[name]).seconds / _IDLE_SECONDS
            for each, early in zip(pair, begun, strict=True)
        ]
        sizes = [usage.memory({name: each.programs[name]}) for each in pair]
        print(f"  {name:24}{shares[0]:8.2%} {shares[1]:8.2%}   {sizes[0]:7.1f} MB {sizes[1]:7.1f} MB")
    together = [usage.memory(each.programs) for each in pair]
    print(f"  {'together':24}{'':19}{together[0]:7.1f} MB {together[1]:7.1f} MB ({usage.MEMORY_MEASURE})")


if __name__ == "__main__":
    main()
