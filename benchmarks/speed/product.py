"""Our own stack, and APIs published on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.speed.contenders import TOKENS
from testbed.data_dir import make_data_dir, set_up_django
from testbed.stack import Stack

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
    """A stack with its own database. This process becomes one of its Django processes."""
    data_dir = make_data_dir(directory / "data")
    set_up_django(data_dir)
    with Stack(data_dir, environment) as stack:
        yield stack


def publish(source: str, route: str, **token: Any) -> Any:
    """Publish a script; `token` are fields of the token that may call it."""
    from testbed.publisher import Publisher

    publisher = Publisher()
    return publisher(source, route=route, token=publisher.token(**token))


def limited_secrets(api: Any) -> list[str]:
    """The secrets of tokens with a rate limit that may call the API; so many that none reaches the limit."""
    from definitions.changes import save_definition
    from testbed.publisher import Publisher

    made = [Publisher().token(rate_limit=100, rate_window_seconds=1) for _ in range(TOKENS)]
    save_definition(api.definition, by="benchmark", allowed_tokens=[api.token, *(token for token, _ in made)])
    return [secret for _, secret in made]
