"""The short form of `make chaos`: the network to Redis goes silent."""

from chaos import partition


def test_worker_is_cut_off_from_redis(trial, survived):
    survived(partition.worker(trial, short=0.5, long=8, judges_runs=False))


def test_web_server_is_cut_off_from_redis(trial, survived):
    survived(partition.web(trial, seconds=3, run_seconds=0.2))
