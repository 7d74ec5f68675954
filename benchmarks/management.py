"""How long does it take to fetch all of 2,500 definitions and 2,500 tokens over the management API?

`python -m benchmarks.management [--database postgresql]` runs a complete stack, fetches both lists with a personal
key, whole and in pages of 100, and prints the median times, and then how many queries pages of several sizes cost.
"""

from functools import partial
from pathlib import Path

import httpx

from benchmarks import databases, pages
from benchmarks.stopwatch import median_seconds
from testbed.data_dir import make_data_dir
from testbed.stack import Stack

COUNT, ROUNDS, WARM_UP = 2_500, 15, 3
LISTS = ("definitions", "tokens")
PAGES = {
    f"{name}, {limit} rows": f"/api/management/{name}/?limit={limit}" for name in LISTS for limit in (1, 100, COUNT)
}


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


def measure(root: Path, engine: str) -> None:
    data_dir = make_data_dir(root / "data")
    with databases.database(root, engine) as database:
        prepared = pages.prepare(data_dir, database, COUNT, list(PAGES.values()))
        with Stack(data_dir, database | pages.SETTINGS) as stack:
            headers = {"Authorization": f"Token {prepared.key}"}
            with httpx.Client(base_url=stack.url, headers=headers, timeout=60) as client:
                for limit in (10_000, 100):
                    seconds = median_seconds(partial(fetch, client, limit), ROUNDS, WARM_UP)
                    print(f"{COUNT} + {COUNT} in pages of {limit:6}: {seconds:.3f} s", flush=True)
    for what, address in PAGES.items():
        print(f"{what}: {prepared.queries[address]} queries")


if __name__ == "__main__":
    databases.run(__doc__, measure)
