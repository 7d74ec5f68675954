"""How long an export and an import of 2,500 definitions and 2,500 tokens take.

`python -m benchmarks.as_code [--database postgresql]` creates the objects, exports them, imports the files into the
emptied database, imports them again (nothing to do) and exports once more; both exports must be equal. Each step is a
command in a process of its own, and its time includes the start.
"""

import filecmp
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import databases
from testbed.data_dir import make_data_dir
from testbed.stack import ROOT

COUNT = 2_500


def _run(environment: dict[str, str], *arguments: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
    return time.perf_counter() - begun


def measure(root: Path, database_url: str | None) -> None:
    environment = databases.variables(make_data_dir(root / "data"), database_url)
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


if __name__ == "__main__":
    databases.run(__doc__, measure)
