"""How much a worker node runs at once. This cannot be configured."""

import os

SMALLEST_LIMIT = 4


def concurrency_limit() -> int:
    """How many triggers a worker node runs at once: the logical processors, at least 4."""
    return max(SMALLEST_LIMIT, os.cpu_count() or 1)
