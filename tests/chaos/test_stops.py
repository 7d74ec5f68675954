"""The short form of `make chaos`: worker nodes freeze again and again."""

from chaos import stops
from tests.chaos.conftest import LIMIT_SECONDS


def test_workers_freeze_again_and_again(broken_stack, publish, survived):
    survived(stops.stops(broken_stack, publish, times=4, seconds=(0.2, 3.0), limit=LIMIT_SECONDS))
