"""The short form of `make chaos`: what timed out never runs."""

from chaos import expiry
from tests.chaos.conftest import LIMIT_SECONDS


def test_timed_out_triggers(broken_stack, publish, survived):
    survived(expiry.timed_out(broken_stack, publish, count=50, callers=50, limit=LIMIT_SECONDS))


def test_a_stopped_worker(broken_stack, publish, survived):
    survived(expiry.stopped_worker(broken_stack, publish, callers=8, limit=LIMIT_SECONDS))
