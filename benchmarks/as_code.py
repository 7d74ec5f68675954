"""How long an export and an import of 2,500 definitions and 2,500 tokens take.

`python -m benchmarks.as_code [--database postgresql]` creates the objects, exports them, imports the files into the
emptied database, imports them again (nothing to do) and exports once more; both exports must be equal. Each step is a
command in a process of its own, and its time includes the start.
"""

import filecmp
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks import databases
from benchmarks.stopwatch import seconds
from testbed.data_dir import make_data_dir
from testbed.stack import ROOT

COUNT = 2_500


def measure(root: Path, engine: str) -> None:
    with databases.database(root, engine) as database:
        python = partial(_python, databases.variables(make_data_dir(root / "data"), database))
        first, second = root / "first", root / "second"
        python("-m", "benchmarks.fill", str(COUNT))
        _print(f"export of {COUNT} + {COUNT}", partial(python, "manage.py", "export_apis", str(first)))
        python("manage.py", "flush", "--no-input")
        imports = partial(python, "manage.py", "import_apis", str(first / "apis.yaml"))
        _print("import into an empty database", imports)
        _print("import again, nothing to do", imports)
        python("manage.py", "export_apis", str(second))
    if not filecmp.cmp(first / "apis.yaml", second / "apis.yaml", shallow=False):
        raise SystemExit("The two exports differ.")


def _python(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)


def _print(what: str, action: partial[None]) -> None:
    print(f"{what}: {seconds(action):.1f} s", flush=True)


if __name__ == "__main__":
    databases.run(__doc__, measure)
