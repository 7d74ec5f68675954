"""An API that holds its runs, for the tests of the fleet."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleet import overview, redis_keys
from fleet.pool import concurrency_limit
from testbed.stack import Stack, wait_until

HOLD = """
import os, time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    while not os.path.exists({go!r}):
        time.sleep(0.02)
    with open({marks!r}, "a") as marks:
        marks.write(request.context.trigger_id + "\\n")
    return ApiTriggerOutput(response_body=request.context.trigger_id)
"""


class Held:
    """An API whose script waits for a file, and then marks its run."""

    def __init__(self, stack: Stack, publish, directory: Path) -> None:
        self.stack, self.go, self._marks = stack, directory / "go", directory / "marks"
        self.api = publish(HOLD.format(go=str(self.go), marks=str(self._marks)))

    def call(self):
        return self.api.call(self.stack.client)

    def runs(self) -> list[str]:
        return self._marks.read_text().split() if self._marks.exists() else []

    @contextmanager
    def busy(self, slots: int = concurrency_limit()) -> Iterator[ThreadPoolExecutor]:
        """Occupies slots of the node, by default all; in the meantime, others may call."""
        with ThreadPoolExecutor(4 * concurrency_limit()) as callers, self.stack.redis_client() as redis:
            taken = [callers.submit(self.call) for _ in range(slots)]
            try:
                wait_until(lambda: len(redis.keys(redis_keys.run("*"))) == slots, what="these slots are taken")
                yield callers
            finally:
                self.go.touch()
        assert {each.result().status_code for each in taken} == {200}


def ask_node(stack: Stack, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Have `celery inspect` or `celery control` wait for the only node, for longer than its usual second."""
    (node,) = overview.nodes()
    return stack.celery(program, "--timeout", "20", "--destination", node.worker, *words)


@pytest.fixture
def held(stack, publish, kept) -> Held:
    """`Held` on the shared stack."""
    return Held(stack, publish, kept)
