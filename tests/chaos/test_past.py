"""The short form of `make chaos`: Redis comes back with old data."""

from chaos import past
from tests.chaos.conftest import LIMIT_SECONDS


def test_redis_comes_back_from_a_snapshot(broken_stack, publish, survived):
    survived(past.snapshot(broken_stack, publish, times=1, limit=LIMIT_SECONDS))


def test_a_lagging_replica_is_promoted(broken_stack, publish, survived):
    survived(past.replica(broken_stack, publish, times=1, limit=LIMIT_SECONDS))
