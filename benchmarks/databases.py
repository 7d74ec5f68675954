"""The database that a benchmark runs on: SQLite, or a PostgreSQL server of its own."""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed.postgresql import PostgresqlServer, url


def run(description: str | None, measure: Callable[[Path, str], None]) -> None:
    """Read the command line, and call `measure` with an empty directory and `sqlite` or `postgresql`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    engine = parser.parse_args().database
    with tempfile.TemporaryDirectory(prefix="udapi-benchmark-") as directory:
        measure(Path(directory), engine)


@contextmanager
def database(root: Path, engine: str) -> Iterator[dict[str, str]]:
    """An empty database, as variables of the environment. The name of `root` must be unique on the machine."""
    if engine == "sqlite":
        yield {}
        return
    with PostgresqlServer(root):
        yield {"DATABASE_URL": url(root)}


def variables(data_dir: Path, database: dict[str, str]) -> dict[str, str]:
    """The environment of a process of the product."""
    return {"PATH": os.environ["PATH"], "UDAPI_DATA_DIR": str(data_dir)} | database
