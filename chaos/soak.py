"""Memory and descriptors of every process under a steady load: a curve that is not flat shows a leak."""

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psutil

from chaos.callers import CallerLoad
from chaos.rows import ReportRow, answered_row, check_row
from chaos.trial import Trial
from testbed.processes import descriptors
from testbed.publisher import Api
from testbed.stack import Stack, wait_until

CALLERS = 8
SAMPLE_SECONDS = 5.0
WARM_UP_SHARE = 0.25
MOST_PER_TEN_MINUTES = 0.01
# One per cent of a small process is less than its allocator takes at once.
NOISE_MEGABYTES = 0.25
# Now and then a process needs one connection more than ever before, and keeps it.
NOISE_DESCRIPTORS = 2.0
_MEASURE_SECONDS = 10.0
_STRETCHES = 12
HOST = "script host"
# The processes below a worker node, by depth. Scripts fork deeper ones.
_BELOW_WORKER = ("keeper", "zygote", HOST)


@dataclass
class Curve:
    """Samples of one process: seconds since the start, resident memory in MB, open descriptors."""

    name: str
    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    descriptors: list[float] = field(default_factory=list)

    def add(self, seconds: float, memory: float, descriptors: float) -> None:
        self.seconds.append(seconds)
        self.memory.append(memory)
        self.descriptors.append(descriptors)


def soak(trial: Trial, *, minutes: float) -> list[ReportRow]:
    """Half of the top rate for `minutes`, with a row for the curve of each process."""
    stack, api = trial.stack, trial.publish()
    pause = _pause_for_half(stack, api)
    load = CallerLoad(stack.url, api, pause=pause)
    with load.going_on(CALLERS):
        time.sleep(minutes * 60 * WARM_UP_SHARE)
        curves = _measure(stack, minutes * 60 * (1 - WARM_UP_SHARE))
    rate = len(load.answers) / (minutes * 60)
    lost = [answer for answer in load.answers if not answer.is_success]
    note = f"{rate:.0f} triggers a second, {len(lost)} without success"
    return [answered_row(f"soak of {minutes:g} minutes", load.answers, trial.limit, note), *map(_row, curves)]


def growth(seconds: list[float], values: list[float], typical: Callable[[list[float]], float]) -> float:
    """The growth of the values in ten minutes: the median of the slopes between all stretches of time.

    `typical` reduces the values of a stretch to one, so that a single outlier does not count.
    """
    size = max(1, len(values) // _STRETCHES)
    stretches = [slice(start, start + size) for start in range(0, len(values) - size + 1, size)]
    points = [(statistics.fmean(seconds[each]), typical(values[each])) for each in stretches]
    pairs = [(early, late) for early, late in itertools.combinations(points, 2) if late[0] > early[0]]
    slopes = [(late[1] - early[1]) / (late[0] - early[0]) for early, late in pairs]
    return statistics.median(slopes) * 600 if slopes else 0.0


def _pause_for_half(stack: Stack, api: Api) -> float:
    """The pause of each caller between two calls that gives half of the top rate."""
    load = CallerLoad(stack.url, api)
    with load.going_on(CALLERS):
        wait_until(lambda: len(load.answers) >= CALLERS, what="the first answers")
        before = len(load.answers)
        time.sleep(_MEASURE_SECONDS)
        top = (len(load.answers) - before) / _MEASURE_SECONDS
    alone = statistics.median(answer.seconds for answer in load.answers) / CALLERS
    return max(0.0, CALLERS / (top / 2) - alone)


def _named_processes(stack: Stack) -> Iterator[tuple[str, psutil.Process]]:
    yield "redis", psutil.Process(stack.redis.pid)
    web = psutil.Process(stack.web.process.pid)
    yield "gunicorn", web
    yield from (("gunicorn's child", child) for child in web.children())
    level = [psutil.Process(stack.worker.pid)]
    yield "worker", level[0]
    for name in _BELOW_WORKER:
        level = [child for parent in level for child in _children(parent)]
        yield from ((name, process) for process in level)


def _children(parent: psutil.Process) -> list[psutil.Process]:
    try:
        return parent.children()
    except psutil.Error:
        return []


def _measure(stack: Stack, seconds: float) -> list[Curve]:
    """A curve for each process that lives to the end, and one with the last sample of each script host that ended."""
    curves: dict[tuple[str, int], Curve] = {}
    ended = Curve("script hosts when they end")
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        living = _named_processes(stack)
        alive = {(name, process.pid) for name, process in living if _sample(curves, name, process, passed)}
        for key in curves.keys() - alive:
            curve = curves.pop(key)
            if curve.name == HOST:
                ended.add(curve.seconds[-1], curve.memory[-1], curve.descriptors[-1])
        time.sleep(SAMPLE_SECONDS)
    return [curve for curve in (*curves.values(), ended) if _is_old(curve, seconds)]


def _is_old(curve: Curve, seconds: float) -> bool:
    """Whether the curve is long enough to be judged: a young process still grows."""
    return len(curve.seconds) >= _STRETCHES and curve.seconds[-1] - curve.seconds[0] > seconds / 2


def _sample(curves: dict[tuple[str, int], Curve], name: str, process: psutil.Process, passed: float) -> bool:
    try:
        memory, opened = process.memory_info().rss / 2**20, descriptors(process)
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return False
    curves.setdefault((name, process.pid), Curve(name)).add(passed, memory, opened)
    return True


def _row(curve: Curve) -> ReportRow:
    grown = growth(curve.seconds, curve.memory, statistics.median)
    # Connections come and go. A leak shows in the lowest values.
    more = growth(curve.seconds, curve.descriptors, min)
    memory, descriptors = grown / statistics.fmean(curve.memory), more / max(1.0, statistics.fmean(curve.descriptors))
    is_flat = memory < MOST_PER_TEN_MINUTES or grown < NOISE_MEGABYTES
    is_flat = is_flat and (descriptors < MOST_PER_TEN_MINUTES or more < NOISE_DESCRIPTORS)
    note = (
        f"RSS {curve.memory[0]:.1f} → {curve.memory[-1]:.1f} MB, {memory:+.2%} in 10 min; "
        f"descriptors {curve.descriptors[0]:.0f} → {curve.descriptors[-1]:.0f}, {descriptors:+.2%}"
    )
    return check_row(f"  {curve.name}", is_flat, note=note)
