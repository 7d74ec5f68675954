"""What a run takes while it goes on: memory and processes of its whole tree."""

import threading

from hosts import tree
from hosts.jobs import MAX_TASKS

INTERVAL_SECONDS = 0.1
_MEGABYTE = 1024 * 1024
_WEIGHING_SECONDS = 0.05


class Gauge:
    """Looks at the tree of one run; for a single thread."""

    def __init__(self, memory_limit_mb: int) -> None:
        self._limit_mb = memory_limit_mb
        self._weighing: threading.Thread | None = None
        self._weight = 0

    def excess(self, pid: int) -> str | None:
        """What the tree of the host `pid` has too much of, None when all is within bounds; does not wait for it."""
        processes = [pid, *tree.descendants(pid, MAX_TASKS)]
        if sum(map(tree.tasks, processes)) > MAX_TASKS:
            return f"more than {MAX_TASKS} processes and threads"
        if self._is_too_heavy(processes):
            return f"more than {self._limit_mb} MB of memory"
        return None

    def _is_too_heavy(self, processes: list[int]) -> bool:
        limit = self._limit_mb * _MEGABYTE
        # The cheap figure counts what processes share several times: only when that is too much the true one is asked
        # for. The kernel gives it when a process lets go of its memory map, which one that forks all the time hardly
        # does: the clock of the run must not wait for that.
        if not self._weighing:
            if sum(map(tree.resident_bytes, processes)) <= limit:
                return False
            self._weighing = threading.Thread(target=self._weigh, args=(processes,), name="gauge", daemon=True)
            self._weighing.start()
        self._weighing.join(_WEIGHING_SECONDS)
        if self._weighing.is_alive():
            return False
        self._weighing = None
        return self._weight > limit

    def _weigh(self, processes: list[int]) -> None:
        self._weight = sum(map(tree.proportional_bytes, processes))
