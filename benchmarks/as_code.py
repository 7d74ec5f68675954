"""How long does it take to export and to import 2,500 definitions and 2,500 tokens?

`python -m benchmarks.as_code [--database postgresql]` makes the objects in one database, exports them, imports the
files into an empty one, imports them again (nothing to do), and exports once more: both exports must be equal. Each
step is a command in a process of its own, its start included.
"""

import argparse
import filecmp
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests import postgresql
from tests.environment import make_data_dir
from tests.stack import ROOT

COUNT = 2_500


def _run(environment: dict[str, str], *arguments: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
    return time.perf_counter() - begun


def measure(root: Path, database_url: str | None) -> None:
    """Print the times."""
    environment = {"PATH": os.environ["PATH"], "UDAPI_DATA_DIR": str(make_data_dir(root / "data"))}
    environment |= {"DATABASE_URL": database_url} if database_url else {}
    first, second = root / "first", root / "second"
    _run(environment, "-m", "benchmarks.fill", str(COUNT))
    print(f"export of {COUNT} + {COUNT}: {_run(environment, 'manage.py', 'export_apis', str(first)):.1f} s", flush=True)
    _run(environment, "manage.py", "flush", "--no-input")
    files = ["manage.py", "import_apis", str(first / "apis.yaml")]
    print(f"import into an empty database: {_run(environment, *files):.1f} s", flush=True)
    print(f"import again, nothing to do: {_run(environment, *files):.1f} s", flush=True)
    _run(environment, "manage.py", "export_apis", str(second))
    if not filecmp.cmp(first / "apis.yaml", second / "apis.yaml", shallow=False):
        raise SystemExit("The two exports differ.")


def main() -> None:
    """Run on SQLite, or on a PostgreSQL server of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    with tempfile.TemporaryDirectory(prefix="udapi-as-code-") as directory:
        root = Path(directory)
        if parser.parse_args().database == "sqlite":
            measure(root, None)
            return
        server = postgresql.Server(root)
        try:
            measure(root, postgresql.url(root))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
