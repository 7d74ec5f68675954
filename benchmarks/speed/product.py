"""Our own stack with APIs published on it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.speed.contenders import TOKENS
from testbed.data_dir import make_data_dir
from testbed.stack import ROOT, Stack

ECHO = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body=request.raw_body)
"""
SLEEP = """
import time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    time.sleep(float(request.query_parameters.get("seconds", "0")))
    return ApiTriggerOutput(response_body=request.raw_body)
"""


@contextmanager
def product(directory: Path, **environment: str) -> Iterator[Stack]:
    """The stack on a database of its own, and this process as one of its Django processes."""
    data_dir = make_data_dir(directory / "data")
    os.environ |= {"UDAPI_DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "udapi_site.settings"}
    variables = {"PATH": os.environ["PATH"], "UDAPI_DATA_DIR": str(data_dir)}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=variables, check=True)
    import django

    django.setup()
    stack = Stack(data_dir, environment)
    try:
        yield stack
    finally:
        stack.stop()


def publish(source: str, route: str, **token: Any) -> Any:
    """A published script with `path` and `secret`."""
    from testbed.publishing import Publisher

    publisher = Publisher()
    return publisher(source, route=route, token=publisher.token(**token))


def limited_secrets(api: Any) -> list[str]:
    """Secrets of tokens with a limit that may call the API, enough of them not to reach it."""
    from definitions.changes import save_definition
    from testbed.publishing import Publisher

    made = [Publisher().token(rate_limit=100, rate_window_seconds=1) for _ in range(TOKENS)]
    save_definition(api.definition, by="benchmark", allowed_tokens=[api.token, *(token for token, _ in made)])
    return [secret for _, secret in made]
