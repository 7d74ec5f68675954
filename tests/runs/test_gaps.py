"""Records that never arrive are counted, once, after a minute."""

import random
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from broker.client import client
from fleet import redis_keys
from runs import gaps
from runs.models import RecordSource, RunsNotKept
from tests.race import race
from tests.runs.records import ended

NODE, WEB = "a" * 32, "b" * 32


@pytest.fixture(autouse=True)
def clean(no_runs):
    """The tests of this file count."""


def arrive(*numbers: int, source: str = NODE) -> None:
    with transaction.atomic():
        gaps.note([ended(source=source, number=number) for number in numbers], {NODE})


def missing(source: str = NODE) -> list[tuple[int, int]]:
    return [(first, last) for first, last, _ in RecordSource.objects.get(pk=source).missing]


def pass_by(seconds: int) -> None:
    """So much time passes for what is missing."""
    for row in RecordSource.objects.all():
        row.missing = [(first, last, since - seconds * 1_000) for first, last, since in row.missing]
        row.save()


def not_kept() -> tuple[int, int]:
    rows = RunsNotKept.objects.values_list("records", "extras")
    return sum(records for records, _ in rows), sum(extras for _, extras in rows)


def settle_later(nodes: dict[str, int] | None = None) -> tuple[int, int]:
    gaps.settle(nodes or {})
    pass_by(gaps.PATIENCE_SECONDS + 1)
    gaps.settle(nodes or {})
    return not_kept()


def test_records_out_of_order_leave_no_gap():
    numbers = list(range(1, 200))
    random.Random(7).shuffle(numbers)
    for start in range(0, len(numbers), 20):
        arrive(*numbers[start : start + 20])
    assert (missing(), settle_later()) == ([], (0, 0))
    assert RecordSource.objects.get(pk=NODE).highest == 199


def test_records_that_come_twice_count_once():
    arrive(1, 2, 2, 5)
    arrive(2, 5)
    arrive(5)
    assert missing() == [(3, 4)]
    assert settle_later() == (2, 0)


def test_lost_ranges_are_counted_once_after_a_minute():
    arrive(1, 2, 6, 9)
    assert missing() == [(3, 5), (7, 8)]
    gaps.settle({})
    assert not_kept() == (0, 0)
    assert settle_later() == (5, 0)
    assert settle_later() == (5, 0)
    assert missing() == []


def test_records_sent_again_within_a_minute_are_not_counted():
    """After a restart of Redis: the node sends what it could not send."""
    arrive(1, 10)
    pass_by(gaps.PATIENCE_SECONDS - 5)
    gaps.settle({})
    arrive(3, 2, 4, 9, 8)
    assert missing() == [(5, 7)]
    assert settle_later() == (3, 0)


def test_a_record_that_comes_after_a_minute_is_counted_only_once():
    arrive(1, 3)
    assert settle_later() == (1, 0)
    arrive(2)
    assert (missing(), settle_later()) == ([], (1, 0))


def test_ranges_read_from_the_database_are_split_like_new_ones():
    arrive(1, 10)
    arrive(5)
    arrive(5, 7)
    assert missing() == [(2, 4), (6, 6), (8, 9)]


def test_a_node_that_lost_its_first_records_has_a_gap():
    arrive(4)
    assert missing() == [(1, 3)]


def test_records_that_a_living_node_has_made_are_expected():
    """Redis has lost the last ones, or all of them."""
    arrive(1, 2)
    gaps.settle({NODE: 6})
    gaps.settle({NODE: 6})
    assert missing() == [(3, 6)]
    gaps.settle({NODE: 6, "c" * 32: 2})
    assert missing("c" * 32) == [(1, 2)]
    assert settle_later({NODE: 6}) == (6, 0)


def test_what_a_killed_node_had_made_is_counted_although_it_is_gone():
    arrive(1)
    gaps.settle({NODE: 4})
    assert settle_later({}) == (3, 0)


def test_a_web_server_that_is_new_or_was_forgotten_has_lost_nothing():
    arrive(71, 74, source=WEB)
    assert missing(WEB) == [(72, 73)]
    arrive(70, source=WEB)
    assert missing(WEB) == [(72, 73)]


def test_sources_that_are_silent_for_a_day_are_forgotten():
    arrive(1)
    arrive(1, source=WEB)
    RecordSource.objects.filter(pk=WEB).update(seen_at=timezone.now() - timedelta(days=1, minutes=1))
    gaps.settle({})
    assert [row.pk for row in RecordSource.objects.all()] == [NODE]


def test_a_node_that_runs_nothing_for_days_is_not_forgotten():
    arrive(1, 2)
    RecordSource.objects.update(seen_at=timezone.now() - timedelta(days=3))
    gaps.settle({NODE: 2})
    assert RecordSource.objects.get(pk=NODE).highest == 2
    assert settle_later({NODE: 2}) == (0, 0)


def test_ranges_and_counts_are_bounded():
    arrive(*range(1, 4 * gaps.MOST_RANGES, 2))
    gaps.settle({})
    assert len(missing()) == gaps.MOST_RANGES
    assert not_kept() == (gaps.MOST_RANGES - 1, 0)
    arrive(2**53)
    assert settle_later() == (2**31 - 1, 0)
    assert settle_later() == (2**31 - 1, 0)


def test_numbers_and_sources_that_no_process_has_are_ignored():
    with transaction.atomic():
        gaps.note(
            [
                ended(source=NODE, number=-1),
                ended(source=NODE, number=0),
                ended(source=NODE, number=2**63),
                ended(source="x" * 300, number=1),
                ended(),
            ],
            {NODE},
        )
    assert not RecordSource.objects.exists()


def test_logs_without_room_are_counted_once():
    client().hset(redis_keys.buffered(), "lost_extras", 3)
    gaps.settle({})
    gaps.settle({})
    assert not_kept() == (0, 3)


def test_two_processes_note_new_sources_at_the_same_moment():
    def both() -> None:
        arrive(1, 3)
        arrive(1, source=WEB)

    outcomes = race(both, both)
    assert outcomes == [None, None]
    assert (missing(), missing(WEB)) == ([(2, 2)], [])
