"""How long does it take to fetch all of 2,500 definitions and 2,500 tokens over the management API?

`python -m benchmarks.management [--database postgresql]` runs a complete stack, fetches both lists with a personal
key, whole and in pages of 100, and prints the median times; then the queries that a page costs, by its size.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from benchmarks import databases
from testbed.data_dir import make_data_dir
from testbed.stack import ROOT, Stack

COUNT, ROUNDS, WARM_UP = 2_500, 15, 3
LISTS = ("definitions", "tokens")

_PREPARE = f"""
import django; django.setup()
import json
from django.core.management import call_command
call_command("migrate", verbosity=0)
from benchmarks.fill import fill
fill({COUNT})
from django.contrib.auth.models import User
from keys.changes import create_key
user = User.objects.create_superuser("benchmark")
_, key = create_key(user, "benchmark", 1)
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
queries = {{}}
for name in {LISTS!r}:
    for limit in (1, 100, {COUNT}):
        with CaptureQueriesContext(connection) as captured:
            Client().get(f"/api/management/{{name}}/?limit={{limit}}", headers={{"Authorization": f"Token {{key}}"}})
        queries[f"{{name}}, {{limit}} rows"] = len(captured)
print(json.dumps({{"key": key, "queries": queries}}))
"""


def fetch(client: httpx.Client, limit: int) -> None:
    """Fetch both lists completely in pages of `limit`."""
    for name in LISTS:
        seen: set[str] = set()
        address = f"/api/management/{name}/?limit={limit}"
        while address:
            page = client.get(address).raise_for_status().json()
            seen.update(entry["id"] for entry in page["results"])
            address = page["next"]
        if len(seen) != COUNT:
            raise SystemExit(f"{len(seen)} {name} instead of {COUNT}")


def _median(work: Callable[[], None]) -> float:
    times = []
    for number in range(WARM_UP + ROUNDS):
        begun = time.perf_counter()
        work()
        if number >= WARM_UP:
            times.append(time.perf_counter() - begun)
    return statistics.median(times)


def measure(root: Path, database_url: str | None) -> None:
    """Print the times and the queries."""
    data_dir = make_data_dir(root / "data")
    variables = databases.variables(data_dir, database_url) | {"DJANGO_SETTINGS_MODULE": "udapi_site.settings"}
    variables |= {"UDAPI_ALLOWED_HOSTS": "127.0.0.1,testserver"}
    command = [sys.executable, "-c", _PREPARE]
    prepared = subprocess.run(command, cwd=ROOT, env=variables, check=True, stdout=subprocess.PIPE, text=True)
    answer = json.loads(prepared.stdout)
    stack = Stack(data_dir, variables)
    try:
        headers = {"Authorization": f"Token {answer['key']}"}
        with httpx.Client(base_url=stack.url, headers=headers, timeout=60) as client:
            for limit in (10_000, 100):
                seconds = _median(lambda limit=limit: fetch(client, limit))  # type: ignore[misc]
                print(f"{COUNT} + {COUNT} in pages of {limit:6}: {seconds:.3f} s", flush=True)
    finally:
        stack.stop()
    for what, number in answer["queries"].items():
        print(f"{what}: {number} queries")


if __name__ == "__main__":
    databases.run(__doc__, measure)
