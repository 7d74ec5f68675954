"""Does a trigger cost more with 100,000 definitions and tokens than with ten?

`python -m benchmarks.scale [--database postgresql]` runs complete stacks side by side, each with another number of
objects, calls them in turns and prints the ratio of the median times.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from benchmarks import databases
from testbed.data_dir import make_data_dir
from testbed.stack import ROOT, Stack

COUNTS = (10, 1_000, 100_000)
ROUNDS, CALLS, WARM_UP = 9, 150, 100


def _filled_stack(root: Path, count: int, database: dict[str, str]) -> tuple[Stack, dict[str, Any]]:
    """A stack with `count` definitions and tokens, and what `benchmarks.fill` prints about them."""
    data_dir = make_data_dir(root / f"data-{count}")
    environment = {"UDAPI_LOG_MAX_BYTES": "100000000"} | database
    command = [sys.executable, "-m", "benchmarks.fill", str(count)]
    variables = databases.variables(data_dir, environment)
    filled = subprocess.run(command, cwd=ROOT, env=variables, check=True, capture_output=True, text=True)
    return Stack(data_dir, environment), json.loads(filled.stdout)


def _times(client: httpx.Client, path: str, secret: str, calls: int) -> list[float]:
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "text/plain"}
    times = []
    for _ in range(calls):
        begun = time.perf_counter()
        answer = client.post(path, headers=headers, content=b"x" * 100)
        times.append(time.perf_counter() - begun)
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code} {answer.text}")
    return times


def measure(root: Path, engine: str) -> Iterator[tuple[str, dict[int, float]]]:
    """For static and for dynamic routes: number of objects → median time in milliseconds."""
    with ExitStack() as exits:
        stacks = {}
        for count in COUNTS:
            database = exits.enter_context(databases.database(root.with_name(f"{root.name}-{count}"), engine))
            stacks[count] = _filled_stack(root, count, database)
            exits.push(stacks[count][0])
        for kind in ("static", "dynamic"):
            for stack, api in stacks.values():
                _times(stack.client, api[kind], api["secret"], WARM_UP)
            medians: dict[int, list[float]] = {count: [] for count in stacks}
            for _ in range(ROUNDS):
                for count, (stack, api) in stacks.items():
                    medians[count].append(statistics.median(_times(stack.client, api[kind], api["secret"], CALLS)))
            yield kind, {count: statistics.median(each) * 1_000 for count, each in medians.items()}


def show(root: Path, engine: str) -> None:
    """Print the medians and their ratios to the first."""
    for kind, medians in measure(root, engine):
        few = medians[COUNTS[0]]
        print(f"{kind:8}", *(f"{count:,}: {each:.2f} ms ({each / few:.3f})" for count, each in medians.items()))


if __name__ == "__main__":
    databases.run(__doc__, show)
