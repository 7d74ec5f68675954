"""A stack of another checkout, for `benchmarks.speed.checkouts`: it imports the product and `testbed` from there.

Its arguments are settings of the stack, `NAME=VALUE`. Prints how to call it as JSON, and ends when its standard input
does.
"""

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.speed.product import ECHO, product, publish


def main() -> None:
    settings = dict(each.split("=", 1) for each in sys.argv[1:])
    with (
        tempfile.TemporaryDirectory(prefix="udapi-checkout-") as directory,
        product(Path(directory), **settings) as stack,
    ):
        background = stack.start_background()
        api = publish(ECHO, "speed/echo")
        programs = {"gunicorn": stack.web.process.pid, "worker": stack.worker.pid, "Redis": stack.redis.pid}
        served = {"url": f"{stack.url}{api.path}", "headers": [api.headers]}
        print(json.dumps(served | {"programs": programs | {"background": background.pid}}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
