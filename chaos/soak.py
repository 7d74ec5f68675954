"""Memory and descriptors of every process under a steady load: flat after a while, or there is a leak."""

import statistics
import time
from dataclasses import dataclass, field

import psutil

from chaos.callers import Load
from chaos.report import Row, row
from tests.publishing import ECHO, Api, Publisher
from tests.stack import Stack, wait_until

CALLERS = 8
SAMPLE_SECONDS = 5.0
WARM_UP_SHARE = 0.25
MOST_PER_TEN_MINUTES = 0.01
# One per cent of a small process is less than what its allocator takes at a time.
NOISE_MEGABYTES = 0.25
_MEASURE_SECONDS = 10.0


@dataclass
class Curve:
    """What was measured of one process: seconds, resident memory in MB, descriptors."""

    name: str
    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    descriptors: list[float] = field(default_factory=list)

    def slope(self, values: list[float]) -> float:
        """The growth in ten minutes, as a share of the mean."""
        mean = statistics.fmean(values)
        return statistics.linear_regression(self.seconds, values).slope * 600 / mean if mean else 0.0


def soak(stack: Stack, publish: Publisher, *, minutes: float, limit: float) -> list[Row]:
    """Half of the top rate for `minutes`; the curves of all processes that lived through all of it."""
    api = publish(ECHO)
    pause = _pause_for_half(stack, api)
    load = Load(stack.url, api, pause=pause)
    with load.going_on(CALLERS):
        time.sleep(minutes * 60 * WARM_UP_SHARE)
        curves = _measure(stack, minutes * 60 * (1 - WARM_UP_SHARE))
    rate = len(load.answers) / (minutes * 60)
    lost = [answer for answer in load.answers if answer.result != "200"]
    note = f"{rate:.0f} triggers a second, {len(lost)} without success"
    return [row(f"soak of {minutes:g} minutes", load.answers, limit, note), *(_row(curve) for curve in curves)]


def _pause_for_half(stack: Stack, api: Api) -> float:
    """How long each caller rests between two calls, so that they come at half of the top rate."""
    load = Load(stack.url, api)
    with load.going_on(CALLERS):
        wait_until(lambda: len(load.answers) >= CALLERS, what="the first answers")
        before = len(load.answers)
        time.sleep(_MEASURE_SECONDS)
        top = (len(load.answers) - before) / _MEASURE_SECONDS
    alone = statistics.median(answer.seconds for answer in load.answers) / CALLERS
    return max(0.0, CALLERS / (top / 2) - alone)


def _everybody(stack: Stack) -> dict[str, psutil.Process]:
    programs = {"gunicorn": stack.web.process.pid, "worker": stack.worker.pid, "redis": stack.redis.pid}
    found = {}
    for name, pid in programs.items():
        parent = psutil.Process(pid)
        found[name] = parent
        found |= {f"{name}/{child.pid}": child for child in parent.children(recursive=True)}
    return found


def _measure(stack: Stack, seconds: float) -> list[Curve]:
    """The curves of the processes that are there from the beginning to the end."""
    processes = _everybody(stack)
    curves = {name: Curve(name) for name in processes}
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        for name, process in processes.items():
            _sample(curves, name, process, passed)
        time.sleep(SAMPLE_SECONDS)
    return [curve for curve in curves.values() if len(curve.seconds) > 1]


def _sample(curves: dict[str, Curve], name: str, process: psutil.Process, passed: float) -> None:
    if name not in curves:
        return
    try:
        memory, descriptors = process.memory_info().rss / 2**20, process.num_fds()
    except psutil.Error:
        # A script's host that was recycled: its memory is gone with it.
        del curves[name]
        return
    curves[name].seconds.append(passed)
    curves[name].memory.append(memory)
    curves[name].descriptors.append(descriptors)


def _row(curve: Curve) -> Row:
    memory, descriptors = curve.slope(curve.memory), curve.slope(curve.descriptors)
    grown = memory * statistics.fmean(curve.memory)
    is_flat = (memory < MOST_PER_TEN_MINUTES or grown < NOISE_MEGABYTES) and descriptors < MOST_PER_TEN_MINUTES
    note = (
        f"RSS {curve.memory[0]:.1f} → {curve.memory[-1]:.1f} MB, {memory:+.2%} in 10 min; "
        f"descriptors {curve.descriptors[0]:.0f} → {curve.descriptors[-1]:.0f}, {descriptors:+.2%}"
    )
    return Row(f"  {curve.name}", 1, int(is_flat), 0.0, note)
