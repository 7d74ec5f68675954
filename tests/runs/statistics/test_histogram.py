"""Histograms of durations: what is stored, added, taken away, and read as a percentile."""

from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from runs.statistics.histogram import BOUNDS, Histogram

DAY = 86_400_000
DURATIONS = st.lists(st.one_of(st.integers(0, 30), st.integers(0, 2_000), st.integers(0, DAY)), max_size=60)


@given(DURATIONS, st.floats(0, 1))
def test_percentile_is_within_a_fifth_of_the_true_one(durations, share):
    found = Histogram.of(durations).percentile(share)
    if not durations:
        assert found is None
        return
    true = sorted(durations)[max(1, ceil(share * len(durations))) - 1]
    assert abs(found - true) <= true / 5


@given(st.integers(0, 6), st.integers(1, 100_000))
def test_short_durations_are_exact(milliseconds, count):
    lanes = Histogram.of([milliseconds]).lanes
    assert Histogram(lanes * count).percentile(0.95) == milliseconds


@given(DURATIONS, DURATIONS)
def test_sums_survive_storage(first, second):
    whole = Histogram.of(first + second)
    assert Histogram.of(first) + Histogram.of(second) == whole
    assert Histogram.from_bytes(whole.to_bytes()) == whole
    assert whole.count == len(first + second)
    assert whole.without(Histogram.of(second)) == Histogram.of(first)


@given(DURATIONS, DURATIONS)
def test_no_count_falls_below_zero(kept, gone):
    left = Histogram.of(kept).without(Histogram.of(gone))
    assert left.count <= len(kept)
    assert Histogram.from_bytes(left.to_bytes()) == left


def test_a_day_of_a_busy_fleet_overflows_no_bucket():
    most = Histogram(Histogram.of([5]).lanes * 400 * DAY) + Histogram.of([6])
    assert (most.count, most.percentile(1)) == (400 * DAY + 1, 6)


def test_durations_beyond_the_last_bound_are_counted():
    assert Histogram.of([2**31 - 1]).percentile(0.5) == BOUNDS[-1]
