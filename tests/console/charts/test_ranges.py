"""The time range in the address: named ones, two times, and whatever else somebody may write there."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone

from console.charts.ranges import RANGES, ChosenRange

MINUTE = timedelta(minutes=1)


def chosen(query: str = "", **options) -> ChosenRange:
    return ChosenRange.of(RequestFactory().get(f"/?{query}"), **options)


@pytest.mark.parametrize("name", RANGES)
def test_named_ranges_end_now(name):
    found = chosen(f"range={name}")
    assert (found.name, found.problem) == (name, "")
    assert timedelta() <= timezone.now() - found.until < MINUTE
    assert found.until - found.since == RANGES[name][0]
    assert found.period.since <= found.since
    assert found.until <= found.period.until
    assert found.query == f"range={name}"


def test_without_a_range_the_default_of_the_page_is_shown():
    assert (chosen().name, chosen().problem) == ("24h", "")
    assert chosen(default="7d").name == "7d"


def test_two_times_and_dates():
    day = timezone.now().date() - timedelta(days=3)
    found = chosen(f"from={day}&to={day}")
    assert (found.name, found.problem, found.words) == ("", "", "")
    assert found.since == datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert found.until == found.since + timedelta(days=1)
    assert chosen(found.query).since == found.since
    found = chosen(f"from={day}T10:00:00%2B02:00&to={day}T09:00")
    assert (found.since.hour, found.until.hour) == (8, 9)
    assert chosen(f"from={day}").until > found.until
    assert chosen(f"from={day}&to={timezone.now().date()}").until <= timezone.now()


HOSTILE = [
    "range=2h",
    "range=%00",
    "range=24h%27--",
    "from=yesterday",
    "from=2026-02-30",
    "from=2026-13-45T99:99",
    "to=2026-01-01",
    "from=2026-01-02&to=2026-01-01",
    "from=0001-01-01",
    "from=0001-01-01T00:00:00%2B14:00",
    "from=9999-12-31&to=9999-12-31",
    "from=2999-01-01&to=2999-01-02",
    "from=2020-01-01&to=2026-01-01",
    "from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:01Z",
    "from=<script>alert(1)</script>",
    "to=" + "9" * 10_000,
]


@pytest.mark.parametrize("query", HOSTILE)
def test_a_range_that_cannot_be_shown_is_the_default_with_a_message(query):
    found = chosen(query)
    assert found.name == "24h"
    assert "the last 24 hours" in found.problem
    assert found.period.points


def test_choices_keep_what_else_the_address_asks_for():
    found = chosen("q=a%26b&from=2026-01-01&top=week&top=hour")
    links = {choice.name: choice.url for choice in found.links}
    assert links["7d"] == "?q=a%26b&top=week&top=hour&range=7d"
    assert found.others == [("q", "a&b"), ("top", "week"), ("top", "hour")]
    assert [choice.name for choice in chosen("range=6h").links if choice.is_chosen] == ["6h"]


@pytest.mark.parametrize("name", [name for name in RANGES if name != "1y"])
def test_time_before_is_as_long_and_ends_where_the_range_begins(name):
    found = chosen(f"range={name}")
    before = found.before
    assert before is not None
    assert before.until <= found.since < before.until + timedelta(days=1)
    assert before.until - before.since == RANGES[name][0]


def test_nothing_is_compared_with_a_time_that_is_not_kept():
    assert chosen("range=1y").before is None
