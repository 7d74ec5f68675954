"""Worker nodes that freeze again and again."""

import random
import time

from chaos.rows import ReportRow
from chaos.trial import Trial, suspend

_SEED = 1


def stops(trial: Trial, *, times: int, seconds: tuple[float, float]) -> list[ReportRow]:
    """One of two worker nodes is stopped and continues, `times` in a row, each for a random time between `seconds`.

    The runs are so short that a node is often stopped between its claim of a job and the start of the run.
    """
    chance = random.Random(_SEED)
    with trial.stack.another_worker() as second:

        def fault() -> None:
            for _ in range(times):
                suspend(chance.choice([trial.stack.worker, second]), chance.uniform(*seconds))
                time.sleep(chance.uniform(0.0, 1.0))

        return trial.during(f"workers: one of two stopped, {times} times", fault, run_seconds=0.0)
