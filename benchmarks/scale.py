"""Does a trigger cost more with 100,000 definitions and tokens than with ten?

`python -m benchmarks.scale [--database postgresql]` runs complete stacks side by side, each with another number of
objects, calls them in turns and prints the ratio of the median times.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from testbed import postgresql
from testbed.data_dir import make_data_dir
from testbed.stack import ROOT, Stack

COUNTS = (10, 1_000, 100_000)
ROUNDS, CALLS, WARM_UP = 9, 150, 100


def _filled_stack(root: Path, count: int, database_url: str | None) -> tuple[Stack, dict[str, Any]]:
    data_dir = make_data_dir(root / f"data-{count}")
    environment = {"UDAPI_LOG_MAX_BYTES": "100000000"} | ({"DATABASE_URL": database_url} if database_url else {})
    variables = {"PATH": os.environ["PATH"], "UDAPI_DATA_DIR": str(data_dir)} | environment
    command = [sys.executable, "-m", "benchmarks.fill", str(count)]
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


def measure(root: Path, urls: Mapping[int, str | None]) -> Iterator[tuple[str, dict[int, float]]]:
    """For both kinds of routes: its name, and number of objects → median time in milliseconds."""
    stacks = {count: _filled_stack(root, count, url) for count, url in urls.items()}
    try:
        for kind in ("static", "dynamic"):
            for stack, api in stacks.values():
                _times(stack.client, api[kind], api["secret"], WARM_UP)
            medians: dict[int, list[float]] = {count: [] for count in stacks}
            for _ in range(ROUNDS):
                for count, (stack, api) in stacks.items():
                    medians[count].append(statistics.median(_times(stack.client, api[kind], api["secret"], CALLS)))
            yield kind, {count: statistics.median(each) * 1_000 for count, each in medians.items()}
    finally:
        for stack, _ in stacks.values():
            stack.stop()


def show(found: Iterable[tuple[str, Mapping[int, float]]]) -> None:
    """Print the medians and their ratios to the first."""
    for kind, medians in found:
        few = medians[COUNTS[0]]
        print(f"{kind:8}", *(f"{count:,}: {each:.2f} ms ({each / few:.3f})" for count, each in medians.items()))


def main() -> None:
    """Run on SQLite, or on PostgreSQL servers of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    with tempfile.TemporaryDirectory(prefix="udapi-scale-") as directory:
        root = Path(directory)
        if parser.parse_args().database == "sqlite":
            show(measure(root, dict.fromkeys(COUNTS)))
            return
        roots = {count: root.with_name(f"{root.name}-{count}") for count in COUNTS}
        servers = [postgresql.Server(each) for each in roots.values()]
        try:
            show(measure(root, {count: postgresql.url(each) for count, each in roots.items()}))
        finally:
            for server in servers:
                server.stop()


if __name__ == "__main__":
    main()
