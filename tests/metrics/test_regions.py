"""The memory in which the processes of a web server count."""

import random
import threading

import pytest

from foundation import metrics
from foundation.metric_region import MetricRegion
from foundation.metrics import DROPPED, QUEUE_SECONDS, REQUESTS, WAITING_SLOTS, Meters, MetricTally
from web import metric_regions
from web.metric_regions import MetricRegions

GET = ("items/{id}", "GET", "2xx", "")


def region(size: int = 64 * 1024) -> MetricRegion:
    return MetricRegion(memoryview(bytearray(size)))


@pytest.fixture
def meters(monkeypatch):
    """Three regions of their own."""
    monkeypatch.setattr(metrics, "REGION_BYTES", 64 * 1024)
    made = Meters()
    made.reserve(3)
    return made


def test_nothing_is_counted_before_the_beginning():
    meters = Meters()
    meters.add(REQUESTS, GET)
    meters.observe(QUEUE_SECONDS, ("Trigger",), 1.0)
    assert meters.totals() == {}


def test_regions_are_added_up(meters):
    for number in (0, 2):
        meters.begin(number)
        meters.add(REQUESTS, GET)
        meters.observe(QUEUE_SECONDS, ("Trigger",), 0.004)
    total, *buckets = meters.totals()[QUEUE_SECONDS.name, ("Trigger",)]
    assert meters.totals()[REQUESTS.name, GET] == [2.0]
    assert total == 0.008 and sum(buckets) == 2.0 and buckets[2] == 2.0


def test_value_on_a_bound_belongs_to_its_bucket_and_a_larger_one_to_infinity(meters):
    meters.begin()
    for value in (QUEUE_SECONDS.bounds[0], 10.0**9):
        meters.observe(QUEUE_SECONDS, ("Trial",), value)
    _, *buckets = meters.totals()[QUEUE_SECONDS.name, ("Trial",)]
    assert (buckets[0], buckets[-1], sum(buckets)) == (1.0, 1.0, 2.0)


def test_next_process_continues_the_counters_of_a_region_and_not_its_gauges(meters):
    for _ in range(3):
        meters.begin(1)
        meters.add(REQUESTS, GET)
        meters.add(WAITING_SLOTS)
    assert meters.totals()[REQUESTS.name, GET] == [3.0]
    assert meters.totals()[WAITING_SLOTS.name, ()] == [1.0]
    assert sum(1 for _ in meters.regions[1].entries()) == 3


def test_full_region_counts_what_it_knows_and_how_much_it_dropped():
    small = region(1_024)
    tally = MetricTally(small)
    for number in range(50):
        tally.add(REQUESTS, (f"route/{number}", "GET", "2xx", ""))
    known = [labels for name, labels, _, _ in small.entries() if name == REQUESTS.name]
    assert 0 < len(known) < 50
    tally.add(REQUESTS, known[0])
    found = {(name, labels): small.values[place] for name, labels, place, _ in small.entries()}
    assert found[REQUESTS.name, known[0]] == 2.0
    assert found[DROPPED.name, ()] == 50 - len(known)


def test_what_a_killed_process_left_of_an_entry_is_no_number():
    left = region()
    longer = '"' * 200
    left.append(REQUESTS.name, (longer, "GET", "2xx", ""), 1)
    # As if it had been killed before the entry was there.
    memory = left.values.cast("B").cast("Q")
    memory[0] = 0
    place = left.append(QUEUE_SECONDS.name, ("Trigger",), QUEUE_SECONDS.width)
    assert place is not None
    assert left.values[place : place + QUEUE_SECONDS.width].tolist() == [0.0] * QUEUE_SECONDS.width


def test_reader_meets_whole_entries_only_while_threads_count():
    shared = region(1024 * 1024)
    tally, count = MetricTally(shared), 500

    def work(seed: int) -> None:
        for number in random.Random(seed).sample(range(count), count):
            tally.add(REQUESTS, (f"ü/{number}", "GET", "2xx", ""))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for name, labels, place, width in shared.entries():
            assert name in metrics.FAMILIES and len(labels) in (0, 4) and width == 1 and shared.values[place] >= 0
    found = [shared.values[place] for name, _, place, _ in shared.entries() if name == REQUESTS.name]
    assert found == [4.0] * count


def test_process_gets_a_region_that_no_living_one_has(monkeypatch, caplog):
    owners = MetricRegions()
    reserved = Meters()
    monkeypatch.setattr(metrics, "REGION_BYTES", 4_096)
    monkeypatch.setattr(metric_regions, "meters", reserved)
    owners.reserve(1)
    living: list[object] = []
    taken = set()
    for _ in range(len(reserved.regions)):
        living.append(object())
        owners.assign(living[-1], living[:-1])
        taken.add(owners._next)
    assert taken == set(range(len(reserved.regions)))
    owners.assign(object(), living)
    owners.begin()
    assert "every region is taken" in caplog.text and not reserved.totals()
    gone = living.pop(4)
    owners.assign(object(), living)
    assert owners._next == 4 and gone not in owners._owners
