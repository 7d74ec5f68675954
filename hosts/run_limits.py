"""What a run may take: time, and for its whole process tree memory, processes and threads."""

import threading
import time

from hosts import tree
from hosts.jobs import MAX_TASKS, HostResult, Outcome

_INTERVAL_SECONDS = 0.1
_MEGABYTE = 1024 * 1024
_PSS_SECONDS = 0.05


class RunLimits:
    """The limits of one run; for a single thread. Times are on the monotonic clock."""

    def __init__(self, begun_at: float, time_limit_seconds: float, memory_limit_mb: int) -> None:
        self._begun_at, self._time_limit, self._memory_limit_mb = begun_at, time_limit_seconds, memory_limit_mb
        self.deadline = begun_at + time_limit_seconds
        self._measurement: threading.Thread | None = None
        self._proportional_bytes = 0

    def next_check(self, now: float) -> float:
        """When to call `check` again."""
        return min(self.deadline, now + _INTERVAL_SECONDS)

    def seconds_left(self) -> float:
        """The time until the deadline, at least 0."""
        return max(0.0, self.deadline - time.monotonic())

    def milliseconds(self) -> int:
        """How long the run has taken so far."""
        return round((time.monotonic() - self._begun_at) * 1_000)

    def check(self, pid: int, now: float) -> HostResult | None:
        """How the run of the host `pid` ends if it has exceeded a limit, else None."""
        if now >= self.deadline:
            return HostResult(Outcome.TIMED_OUT, f"The time limit of {self._time_limit:g} s was reached.")
        processes = [pid, *tree.descendants(pid, MAX_TASKS)]
        if sum(map(tree.tasks, processes)) > MAX_TASKS:
            return HostResult(Outcome.OVER_LIMIT, f"The script had more than {MAX_TASKS} processes and threads.")
        if self._takes_too_much_memory(processes):
            return HostResult(Outcome.OVER_LIMIT, f"The script had more than {self._memory_limit_mb} MB of memory.")
        return None

    def _takes_too_much_memory(self, processes: list[int]) -> bool:
        """Whether the true size of the processes (PSS), where it is known, is above the limit.

        It is asked for only when the cheap size, which counts shared pages several times, is too large. The kernel
        delays it while a process changes its memory map, and a process that forks all the time hardly ever stops that.
        So another thread waits for it, and the run's clock goes on.
        """
        limit = self._memory_limit_mb * _MEGABYTE
        if not self._measurement:
            if sum(map(tree.resident_bytes, processes)) <= limit:
                return False
            self._measurement = threading.Thread(target=self._measure, args=(processes,), name="pss", daemon=True)
            self._measurement.start()
        self._measurement.join(_PSS_SECONDS)
        if self._measurement.is_alive():
            return False
        self._measurement = None
        return self._proportional_bytes > limit

    def _measure(self, processes: list[int]) -> None:
        self._proportional_bytes = sum(map(tree.proportional_bytes, processes))
