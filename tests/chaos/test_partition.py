"""The short form of `make chaos`: the way to Redis goes silent."""

from chaos import partition
from tests.chaos.conftest import LIMIT_SECONDS


def test_a_worker_is_cut_off(broken_stack, publish, survived):
    survived(partition.worker(broken_stack, publish, short=2, long=8, limit=LIMIT_SECONDS))


def test_the_web_server_is_cut_off(broken_stack, publish, survived):
    survived(partition.web(broken_stack, publish, seconds=3, run_seconds=0.2, limit=LIMIT_SECONDS))
