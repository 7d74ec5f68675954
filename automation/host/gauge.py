"""What a run takes while it goes on: memory and processes of its whole tree."""

from automation.host import tree
from automation.host.jobs import MAX_TASKS

INTERVAL_SECONDS = 0.1
_MEGABYTE = 1024 * 1024


def excess(pid: int, memory_limit_mb: int) -> str | None:
    """What the tree of the host `pid` has too much of, None when all is within bounds."""
    processes = [pid, *tree.descendants(pid, MAX_TASKS)]
    if sum(map(tree.tasks, processes)) > MAX_TASKS:
        return f"more than {MAX_TASKS} processes and threads"
    limit = memory_limit_mb * _MEGABYTE
    # The cheap figure counts what processes share several times: only when that is too much the true one is asked for.
    if sum(map(tree.resident_bytes, processes)) <= limit:
        return None
    if sum(map(tree.proportional_bytes, processes)) <= limit:
        return None
    return f"more than {memory_limit_mb} MB of memory"
