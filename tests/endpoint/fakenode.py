"""A worker node that the test plays, for a stack without one."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
import pytest

from broker import client as broker_client
from fleet import cancellation, claims, large_bodies, lua, queue, redis_frames, redis_keys, reply
from fleet.answer import Answer
from fleet.claims import Claim
from fleet.heartbeat import NodeState
from testbed.stack import Stack

INSTANCE = "f" * 32
NODE_ID = 4_711
SLOTS = 4


class FakeNode:
    """Sends heartbeats when told to, takes jobs, and answers them as the test wants."""

    def __init__(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        self.redis = stack.redis_client()
        for module in (queue, cancellation, claims, large_bodies, reply, broker_client):
            for name in {"client", "brief_client", "prompt_client"} & set(vars(module)):
                monkeypatch.setattr(module, name, lambda: self.redis)

    def live(
        self,
        seconds: float = 60,
        formats: tuple[int, ...] = redis_frames.READABLE,
        running: Sequence[str | int] = (),
        instance: str = INSTANCE,
    ) -> None:
        """Send a heartbeat with four slots, possibly of another node. `running` alternates scripts and milliseconds."""
        state = NodeState(NODE_ID, "nowhere", SLOTS, "2026-01-31T00:00:00Z", version="0.0.9", formats=formats)
        # As if sent before any claim, so that jobs which do not run are not reported as lost.
        beat = (
            int(seconds * 1_000),
            instance,
            msgspec.json.encode(state),
            "stays",
            0,
            SLOTS,
            redis_frames.listed(formats),
        )
        lua.BEAT.run(self.redis, redis_keys.to_beat(instance), *beat, *running)

    def die(self) -> None:
        """Remove every trace of the heartbeat."""
        self.redis.zrem(redis_keys.nodes(), INSTANCE)
        self.redis.delete(redis_keys.node(INSTANCE), redis_keys.fleet())

    def take(self) -> Claim:
        """Claim the next job."""
        while True:
            entry = self.redis.brpop([redis_keys.queue()], timeout=10)
            assert entry, "no job was queued"
            job_id: str = json.loads(entry[1])["headers"]["id"]
            if claim := claims.claim(job_id, INSTANCE):
                return claim

    @contextmanager
    def answers(self, answer: Answer | bytes | None) -> Iterator[None]:
        """Meanwhile claim one job and answer it: with an answer, with raw bytes, or not at all."""
        self.live()
        thread = threading.Thread(target=self._answer, args=(answer,))
        thread.start()
        yield
        thread.join(20)
        assert not thread.is_alive()

    def _answer(self, answer: Answer | bytes | None) -> None:
        claim = self.take()
        if isinstance(answer, bytes):
            self.redis.rpush(redis_keys.reply(claim.job_id), answer)
        elif answer is not None:
            claims.finish(claim, answer)


def reports(reason: str, message: str = "") -> Answer:
    """The answer with which this node reports an error."""
    return Answer(NODE_ID, reason=reason, message=message)
