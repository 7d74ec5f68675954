"""Measures contenders in turns, so that a drift of the machine affects all of them."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.speed import usage
from benchmarks.speed.contenders import Contender
from benchmarks.speed.load import Load

_REST_SECONDS, _LOOK_SECONDS = 5.0, 0.2


@dataclass
class Measured:
    """All rounds of one contender under one load."""

    loads: list[Load] = field(default_factory=list)
    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Program → processor time per call, in milliseconds."""
    switches: list[float] = field(default_factory=list)
    """Context switches per call."""

    @property
    def rate(self) -> float:
        """Answers per second, the median of the rounds."""
        return statistics.median(load.rate for load in self.loads)

    @property
    def spread(self) -> float:
        """Half of the difference between the slowest and the fastest round, as a share of the median."""
        rates = [load.rate for load in self.loads]
        return (max(rates) - min(rates)) / 2 / (self.rate or 1)

    @property
    def bad(self) -> int:
        """The number of calls that failed."""
        return sum(load.bad for load in self.loads)

    def percentile(self, which: int) -> float:
        """A percentile of the time in milliseconds, the median of the rounds."""
        return statistics.median(load.milliseconds[which] for load in self.loads)

    def cost(self) -> dict[str, float]:
        """Program → processor time per call in milliseconds, the median of the rounds."""
        return {name: statistics.median(values) for name, values in self.milliseconds.items()}


Driver = Callable[[Contender], Load]


def measure(contenders: Sequence[Contender], drive: Driver, rounds: int) -> dict[str, Measured]:
    """Measure every contender in each of `rounds` rounds, after one round that does not count; returns them by name."""
    found = {contender.name: Measured() for contender in contenders}
    for number in range(rounds + 1):
        for contender in contenders:
            before = usage.taken(contender.programs)
            load = drive(contender)
            after = usage.taken(contender.programs)
            if number:
                _note(found[contender.name], load, before, after)
            _let_rest(contender)
    return found


def _let_rest(contender: Contender) -> None:
    """Wait until the contender is idle. Node-RED works on for a while, which would slow down the next contender."""
    patience = time.monotonic() + _REST_SECONDS
    before = usage.taken(contender.programs)
    while time.monotonic() < patience:
        time.sleep(_LOOK_SECONDS)
        now = usage.taken(contender.programs)
        if sum(each.since(before[name]).seconds for name, each in now.items()) < _LOOK_SECONDS / 10:
            return
        before = now


def _note(
    measured: Measured, load: Load, before: dict[str, usage.ProgramUsage], after: dict[str, usage.ProgramUsage]
) -> None:
    taken = {name: after[name].since(before[name]) for name in after}
    measured.loads.append(load)
    for name, each in taken.items():
        measured.milliseconds[name].append(each.seconds * 1_000 / max(load.requests, 1))
    measured.switches.append(sum(each.switches for each in taken.values()) / max(load.requests, 1))
