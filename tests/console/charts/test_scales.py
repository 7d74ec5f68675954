"""The scales of charts have round values and round times."""

from datetime import UTC, datetime, timedelta

import pytest

from console.charts.scales import Unit, rate_text, short_duration, short_number, time_axis, value_axis

MIDNIGHT = datetime(2026, 3, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("highest", "labels"),
    [
        (0, ["0", "1"]),
        (1, ["0", "1"]),
        (3, ["0", "1", "2", "3"]),
        (13, ["0", "5", "10", "15"]),
        (960, ["0", "500", "1k"]),
        (4_100, ["0", "2k", "4k", "6k"]),
        (3_300_000, ["0", "1M", "2M", "3M", "4M"]),
        (0.4, ["0", "1"]),
    ],
)
def test_numbers_have_round_ticks(highest, labels):
    top, ticks = value_axis(highest, Unit.NUMBER)
    assert [tick.text for tick in ticks] == labels
    assert top >= highest
    assert (ticks[0].at, ticks[-1].at) == ("100.00", "0.00")


@pytest.mark.parametrize(
    ("highest", "labels"),
    [
        (0, ["0 ms", "1 ms"]),
        (87, ["0 ms", "50 ms", "100 ms"]),
        (1_900, ["0 ms", "500 ms", "1 s", "1.5 s", "2 s"]),
        (65_000, ["0 ms", "20 s", "40 s", "1 min", "1.3 min"]),
        (100 * 3_600_000, ["0 ms", "50 h", "100 h"]),
    ],
)
def test_durations_have_ticks_in_units_that_people_read(highest, labels):
    assert [tick.text for tick in value_axis(highest, Unit.MILLISECONDS)[1]] == labels


def texts(since: datetime, **span: float) -> list[str]:
    return [tick.text for tick in time_axis(since, since + timedelta(**span))]


def test_times_are_round_and_midnights_are_days():
    assert texts(MIDNIGHT, hours=24) == ["15 Mar", *(f"{hour:02}:00" for hour in range(3, 24, 3)), "16 Mar"]
    assert texts(MIDNIGHT + timedelta(minutes=7), hours=1) == [
        *(f"00:{each}" for each in (10, 20, 30, 40, 50)),
        "01:00",
    ]
    assert texts(MIDNIGHT, days=7) == [f"{day} Mar" for day in range(15, 23)]
    weeks = texts(MIDNIGHT, days=30)
    assert weeks[:2] == ["16 Mar", "20 Mar"]
    months = texts(MIDNIGHT, days=365)
    assert months == [*["Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], "Jan 2027", "Feb", "Mar"]


@pytest.mark.parametrize("minutes", [1, 3, 61, 1_000, 5_000, 40_000, 150_000, 550_000, 5_000_000])
def test_no_span_has_many_ticks(minutes):
    ticks = time_axis(MIDNIGHT, MIDNIGHT + timedelta(minutes=minutes))
    assert 1 <= len(ticks) <= 14
    assert all(0 <= float(tick.at) <= 100 for tick in ticks)


def test_words_of_values():
    numbers = {0: "0", 7: "7", 950: "950", 1_234: "1.2k", 1_000_000: "1M", 2.5e9: "2.5G"}
    assert {each: short_number(each) for each in numbers} == numbers
    assert [short_duration(each) for each in (87.4, 1_240, 90_000, 7_200_000)] == ["87 ms", "1.2 s", "1.5 min", "2 h"]
    assert [rate_text(each) for each in (0, 0.00001, 0.0123, 0.5, 1)] == ["0%", "<0.01%", "1.23%", "50%", "100%"]
    assert {short_duration(None), rate_text(None)} == {"\N{EN DASH}"}
