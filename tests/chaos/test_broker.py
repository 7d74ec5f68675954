"""The short form of `make chaos`: Redis restarts, freezes, loses everything, or is full."""

from chaos import broker


def test_redis_restarts(trial, survived):
    survived(broker.restarts(trial, times=4, quick=3))


def test_redis_freezes(trial, survived):
    survived(broker.freeze(trial, seconds=(2, 6)))


def test_redis_loses_everything(trial, survived):
    survived(broker.flush(trial, times=1))


def test_redis_memory_is_full(trial, survived):
    rows = broker.full(trial, seconds=2)
    survived(rows)
    assert "500 code 1001" in rows[0].note
