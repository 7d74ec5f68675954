"""Worker nodes that freeze again and again."""

import random
import time

from chaos.report import ReportRow
from chaos.trial import during, stand_still
from testbed.publishing import Publisher
from testbed.stack import Stack

_SEED = 1


def stops(
    stack: Stack, publish: Publisher, *, times: int, seconds: tuple[float, float], limit: float
) -> list[ReportRow]:
    """One of two worker nodes is stopped and goes on, `times` in a row, for `seconds` at least and at most.

    The triggers are so short that a node is often stopped between its claim of a job and the beginning of the run.
    """
    chance = random.Random(_SEED)
    with stack.another_worker() as second:

        def fault() -> None:
            for _ in range(times):
                stand_still(chance.choice([stack.worker, second]), chance.uniform(*seconds))
                time.sleep(chance.uniform(0.0, 1.0))

        name = f"workers: one of two stopped, {times} times"
        return during(stack, publish, name, fault, limit, run_seconds=0.0)
