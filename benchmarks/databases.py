"""The database that a benchmark runs on: SQLite, or a PostgreSQL server of its own."""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from testbed import postgresql


def run(description: str | None, measure: Callable[[Path, str | None], None]) -> None:
    """Read the command line and call `measure` with an empty directory and the database's URL, None for SQLite."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    wants_server = parser.parse_args().database == "postgresql"
    with tempfile.TemporaryDirectory(prefix="udapi-benchmark-") as directory:
        root = Path(directory)
        server = postgresql.Server(root) if wants_server else None
        try:
            measure(root, postgresql.url(root) if server else None)
        finally:
            if server:
                server.stop()


def variables(data_dir: Path, database_url: str | None) -> dict[str, str]:
    """The environment of a process of the product."""
    chosen = {"DATABASE_URL": database_url} if database_url else {}
    return {"PATH": os.environ["PATH"], "UDAPI_DATA_DIR": str(data_dir)} | chosen
