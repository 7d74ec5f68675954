"""What idle subscribers of live events cost a trigger: `python -m benchmarks.streams [SUBSCRIBERS] [CALLS]`.

Two web servers of one fleet, one of them with idle subscribers, are called in turn, so that other load on the machine
affects both. Prints both medians, their ratio, and the processor time of the idle subscribers.
"""

import secrets
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.stopwatch import seconds
from testbed.data_dir import make_data_dir, set_up_django
from testbed.listener import Listener
from testbed.stack import Stack

QUICK = (
    "from automation.sdk import ApiTriggerOutput\n\ndef on_api_trigger(engine, request):\n    return ApiTriggerOutput()"
)
IDLE_SECONDS = 10
EACH = 20
"""The streams of one user, who may hold a few only."""


def _processor_seconds(web: Any) -> float:
    family = psutil.Process(web.process.pid).children()
    return sum(process.cpu_times().user + process.cpu_times().system for process in family)


def _call(api: Any, client: Any) -> None:
    assert api.call(client).status_code == 200


def measure(stack: Stack, subscribers: int, calls: int) -> None:
    from django.contrib.auth.models import User

    from keys.models import PersonalKey
    from testbed.publisher import Publisher

    api = Publisher()(QUICK)
    users = [User.objects.create_superuser(secrets.token_hex(8)) for _ in range(-(-subscribers // EACH))]
    keys = [PersonalKey.objects.create(user=user, expiry=timedelta(days=1))[1] for user in users]
    with stack.another_web() as quiet, stack.another_web() as busy:
        with ThreadPoolExecutor(20) as threads:
            listeners = list(threads.map(lambda each: Listener(busy.url, keys[each // EACH]), range(subscribers)))
        assert all(listener.response.status_code == 200 for listener in listeners)
        before = _processor_seconds(busy)
        time.sleep(IDLE_SECONDS)
        idle = (_processor_seconds(busy) - before) / IDLE_SECONDS
        pairs = [[seconds(partial(_call, api, web.client)) * 1_000 for web in (quiet, busy)] for _ in range(calls)]
        alone, beside = (median(times) for times in zip(*pairs, strict=True))
        print(f"median of a trigger: {alone:.2f} ms alone, {beside:.2f} ms beside {subscribers} idle subscribers")
        print(f"ratio {beside / alone:.3f}; the subscribers take {idle:.1%} of one processor")
        for listener in listeners:
            listener.close()


def main() -> None:
    given = [int(text) for text in sys.argv[1:]]
    subscribers, calls = (*given, *(200, 500)[len(given) :])
    with tempfile.TemporaryDirectory(prefix="udapi-streams-") as directory:
        data_dir = make_data_dir(Path(directory) / "data")
        set_up_django(data_dir)
        with Stack(data_dir) as stack:
            measure(stack, subscribers, calls)


if __name__ == "__main__":
    main()
