"""The soak sees a leak, and nothing else."""

import random
import statistics

import pytest

from chaos.soak import growth

SECONDS = [5.0 * number for number in range(180)]


def noisy(value):
    return value + random.Random(value).uniform(-0.5, 0.5)


@pytest.mark.parametrize("leak", [0.0, 1.0, 10.0])
def test_leak_is_seen_through_noise_and_peaks(leak):
    values = [noisy(100 + leak * second / 600) for second in SECONDS]
    values[17] = values[90] = 500.0
    assert growth(SECONDS, values, statistics.median) == pytest.approx(leak, abs=0.3)


def test_descriptors_that_come_and_go_are_no_leak():
    coming_and_going = [40.0 + (second // 5) % 7 for second in SECONDS]
    assert growth(SECONDS, coming_and_going, min) == 0
    leaking = [value + second // 300 for value, second in zip(coming_and_going, SECONDS, strict=True)]
    assert growth(SECONDS, leaking, min) == pytest.approx(2, abs=0.5)
