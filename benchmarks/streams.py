"""What idle subscribers of live events cost a trigger: `python -m benchmarks.streams [SUBSCRIBERS] [CALLS]`.

Two web servers with one fleet, only one of them with idle subscribers, are called in turn, so that other load on the
machine affects both. The output is both medians, their ratio, and the processor time that idle subscribers take.
"""

import os
import secrets
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import psutil

QUICK = (
    "from automation.sdk import ApiTriggerOutput\n\ndef on_api_trigger(engine, request):\n    return ApiTriggerOutput()"
)
IDLE_SECONDS = 10
EACH = 20
"""How many streams a user holds."""


def _processor_seconds(web: Any) -> float:
    family = psutil.Process(web.process.pid).children()
    return sum(process.cpu_times().user + process.cpu_times().system for process in family)


def _timed(call: Any) -> float:
    begun = time.perf_counter()
    assert call().status_code == 200
    return (time.perf_counter() - begun) * 1_000


def measure(stack: Any, subscribers: int, calls: int) -> None:
    from django.contrib.auth.models import User

    from keys.models import PersonalKey
    from testbed.listener import Listener
    from testbed.publishing import Publisher

    api = Publisher()(QUICK)
    # One user may hold only a few streams.
    users = [User.objects.create_superuser(secrets.token_hex(8)) for _ in range(-(-subscribers // EACH))]
    keys = [PersonalKey.objects.create(user=user, expiry=timedelta(days=1))[1] for user in users]
    with stack.another_web() as quiet, stack.another_web() as busy:
        with ThreadPoolExecutor(20) as threads:
            listeners = list(threads.map(lambda each: Listener(busy.url, keys[each // EACH]), range(subscribers)))
        assert all(listener.response.status_code == 200 for listener in listeners)
        before = _processor_seconds(busy)
        time.sleep(IDLE_SECONDS)
        idle = (_processor_seconds(busy) - before) / IDLE_SECONDS
        pairs = [(_timed(lambda: api.call(quiet.client)), _timed(lambda: api.call(busy.client))) for _ in range(calls)]
        alone, beside = (median(times) for times in zip(*pairs, strict=True))
        print(f"median of a trigger: {alone:.2f} ms alone, {beside:.2f} ms beside {subscribers} idle subscribers")
        print(f"ratio {beside / alone:.3f}; the subscribers take {idle:.1%} of one processor")
        for listener in listeners:
            listener.close()


def main() -> None:
    """Measure with a stack in a temporary directory."""
    from testbed.data_dir import make_data_dir

    given = [int(text) for text in sys.argv[1:]]
    subscribers, calls = (*given, *(200, 500)[len(given) :])
    with tempfile.TemporaryDirectory(prefix="udapi-streams-") as directory:
        data_dir = make_data_dir(Path(directory) / "data")
        os.environ |= {"UDAPI_DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "udapi_site.settings"}
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from testbed.stack import Stack

        stack = Stack(data_dir)
        try:
            measure(stack, subscribers, calls)
        finally:
            stack.stop()


if __name__ == "__main__":
    main()
