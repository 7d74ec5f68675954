"""The memory of an idle stack: gunicorn, the worker node's programs and embedded Redis (PSS if run by root).

`python -m benchmarks.memory` starts a stack, asks for a page, lets the stack rest and prints a table.
"""

import tempfile
import time
from pathlib import Path

import httpx
import psutil

from benchmarks.speed import usage
from testbed.data_dir import make_data_dir, set_up_django
from testbed.stack import Stack

REST_SECONDS = 20


def main() -> None:
    """Print a row for each program, and the sum."""
    with tempfile.TemporaryDirectory(prefix="udapi-memory-") as directory:
        data_dir = make_data_dir(Path(directory) / "data")
        set_up_django(data_dir)
        with Stack(data_dir) as stack:
            background = stack.start_background()
            httpx.get(f"{stack.url}/console/login/")
            time.sleep(REST_SECONDS)
            programs = {
                "gunicorn": stack.web.process.pid,
                "worker": stack.worker.pid,
                "background": background.pid,
                "Redis": stack.redis.pid,
            }
            together = 0.0
            for name, pid in programs.items():
                count, megabytes = 1 + len(psutil.Process(pid).children(recursive=True)), usage.memory({name: pid})
                together += megabytes
                print(f"{name:10} {count} process(es) {megabytes:7.1f} MB")
            print(f"{'together':10} {together:20.1f} MB ({usage.MEMORY_MEASURE})")


if __name__ == "__main__":
    main()
