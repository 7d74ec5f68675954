"""The short form of `make chaos`: Redis comes back with old data."""

from chaos import rollback


def test_redis_is_restored_from_a_snapshot(trial, survived):
    survived(rollback.snapshot(trial, times=1))


def test_lagging_replica_is_promoted(trial, survived):
    survived(rollback.replica(trial, times=1))
