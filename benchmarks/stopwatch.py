"""How long something takes."""

import statistics
import time
from collections.abc import Callable


def seconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def median_seconds(action: Callable[[], object], rounds: int, warm_up: int = 0) -> float:
    """The median of `rounds` times, after `warm_up` more that do not count."""
    times = [seconds(action) for _ in range(warm_up + rounds)]
    return statistics.median(times[warm_up:])
