"""What the idle stack takes: the memory of gunicorn, the worker node's programs and embedded Redis; PSS for root.

`python -m benchmarks.memory` starts a stack, runs one trigger through it, lets it rest and prints a table.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from benchmarks.speed import usage
from testbed.data_dir import make_data_dir
from testbed.stack import ROOT, Stack

REST_SECONDS = 20


def _taken(pid: int) -> tuple[int, float]:
    """How many processes a program has, and their memory together in MB."""
    return 1 + len(psutil.Process(pid).children(recursive=True)), usage.memory({"": pid})


def main() -> None:
    """Print a row for each program, and the sum."""
    with tempfile.TemporaryDirectory(prefix="udapi-memory-") as directory:
        data_dir = make_data_dir(Path(directory) / "data")
        migrate = [sys.executable, "manage.py", "migrate", "-v0"]
        subprocess.run(migrate, cwd=ROOT, env={"PATH": os.environ["PATH"], "UDAPI_DATA_DIR": str(data_dir)}, check=True)
        stack = Stack(data_dir)
        try:
            background = stack.start_background()
            httpx.get(f"{stack.url}/console/login/")
            time.sleep(REST_SECONDS)
            programs = {
                "gunicorn": stack.web.process,
                "worker": stack.worker,
                "background": background,
                "Redis": stack.redis,
            }
            rows = {name: _taken(process.pid) for name, process in programs.items()}
            for name, (count, megabytes) in rows.items():
                print(f"{name:10} {count} process(es) {megabytes:7.1f} MB")
            together = sum(megabytes for _, megabytes in rows.values())
            print(f"{'together':10} {together:20.1f} MB ({usage.MEMORY_MEASURE})")
        finally:
            stack.stop()


if __name__ == "__main__":
    main()
