"""A worker node that the test itself plays, before a stack that has none."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from broker import client as broker_client
from fleet import queue, redis_keys
from fleet.answer import Answer
from fleet.message import QUEUE
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
        self.redis.zadd(redis_keys.NODES, {INSTANCE: now + seconds * 1_000})

    def die(self) -> None:
        """No heartbeat any more."""
        self.redis.zrem(redis_keys.NODES, INSTANCE)

    def take(self) -> str:
        """Claim the next job; its id."""
        while True:
            entry = self.redis.brpop([QUEUE], timeout=10)
            assert entry, "no job was queued"
            job_id: str = json.loads(entry[1])["headers"]["id"]
            if queue.claim(job_id, INSTANCE):
                return job_id

    @contextmanager
    def answers(self, answer: Answer | bytes | None) -> Iterator[None]:
        """Meanwhile one job is claimed, and answered, with bytes even, or never."""
        self.live()
        thread = threading.Thread(target=self._answer, args=(answer,))
        thread.start()
        yield
        thread.join(20)
        assert not thread.is_alive()

    def _answer(self, answer: Answer | bytes | None) -> None:
        job_id = self.take()
        if isinstance(answer, bytes):
            self.redis.rpush(redis_keys.reply(job_id), answer)
        elif answer is not None:
            queue.finish(job_id, answer)


def reports(reason: str, message: str = "") -> Answer:
    """The answer with which this node reports an error."""
    return Answer(NODE_ID, reason=reason, message=message)
