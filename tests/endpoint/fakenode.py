"""A worker node that the test itself plays, before a stack that has none."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from automation import queue
from automation.message import QUEUE
from automation.outcome import Head, Outcome
from broker import client as broker_client
from tests.stack import Stack

INSTANCE = "f" * 32
NODE_ID = 4_711


class FakeNode:
    """Alive when it says so; takes jobs and answers them with whatever it likes."""

    def __init__(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        self.redis = stack.redis_client()
        for module, name in ((queue, "client"), (queue, "brief_client"), (broker_client, "client")):
            monkeypatch.setattr(module, name, lambda: self.redis)

    def live(self, seconds: float = 60) -> None:
        """A heartbeat."""
        now = self.redis.time()[0] * 1_000
        self.redis.zadd(queue.NODES_KEY, {INSTANCE: now + seconds * 1_000})

    def die(self) -> None:
        """No heartbeat any more."""
        self.redis.zrem(queue.NODES_KEY, INSTANCE)

    def take(self) -> str:
        """Claim the next job; its id."""
        while True:
            entry = self.redis.brpop([QUEUE], timeout=10)
            assert entry, "no job was queued"
            job_id: str = json.loads(entry[1])["headers"]["id"]
            if queue.claim(job_id, INSTANCE):
                return job_id

    @contextmanager
    def answers(self, frame: bytes | None) -> Iterator[None]:
        """Meanwhile one job is claimed, and answered with `frame`, or never if that is None."""
        self.live()
        thread = threading.Thread(target=self._answer, args=(frame,))
        thread.start()
        yield
        thread.join(20)
        assert not thread.is_alive()

    def _answer(self, frame: bytes | None) -> None:
        job_id = self.take()
        if frame is not None:
            queue.finish(job_id, frame)


def reports(reason: str, message: str = "") -> bytes:
    """The frame with which this node reports an error."""
    return Outcome(Head(NODE_ID, reason=reason, message=message)).encode()
