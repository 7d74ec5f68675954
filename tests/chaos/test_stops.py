"""The short form of `make chaos`: worker nodes freeze again and again."""

from chaos import stops


def test_workers_freeze_again_and_again(trial, survived):
    survived(stops.stops(trial, times=4, seconds=(0.2, 3.0)))
