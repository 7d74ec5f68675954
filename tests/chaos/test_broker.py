"""The short form of `make chaos`: a broker that restarts, freezes, forgets or is full."""

from chaos import broker
from tests.chaos.conftest import LIMIT_SECONDS


def test_restarts(broken_stack, publish, survived):
    survived(broker.restarts(broken_stack, publish, times=4, quick=3, limit=LIMIT_SECONDS))


def test_redis_freezes(broken_stack, publish, survived):
    survived(broker.freeze(broken_stack, publish, seconds=(2, 6), limit=LIMIT_SECONDS))


def test_redis_forgets_everything(broken_stack, publish, survived):
    survived(broker.flush(broken_stack, publish, times=1, limit=LIMIT_SECONDS))


def test_memory_full(broken_stack, publish, survived):
    rows = broker.full(broken_stack, publish, seconds=2, limit=LIMIT_SECONDS)
    survived(rows)
    assert "500 code 1001" in rows[0].note
