"""A script with a package. PYTHONPATH says where the package is: docs/guides/demo.md#packages has the command."""

import json

import pytest
import rundown
from timecode import DROPS, RATES, Timecode

from automation.sdk import ApiTriggerInput, Engine, QueryParameters

DAY_SECONDS = 24 * 3_600


def post(body: str, **query: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
    request = ApiTriggerInput(raw_body=body, query_parameters=QueryParameters(query))
    answer = rundown.on_api_trigger(Engine(), request)
    return answer.response_code, json.loads(answer.response_body)


def test_each_item_begins_where_the_one_before_ends() -> None:
    code, answer = post("00:14:30:00 News\n00:00:29:24 Weather\n", start="20:00:00:00")
    assert (code, answer["items"]) == (
        200,
        [
            {"title": "News", "start": "20:00:00:00", "end": "20:14:30:00"},
            {"title": "Weather", "start": "20:14:30:00", "end": "20:14:59:24"},
        ],
    )


def test_drop_frame_keeps_up_with_the_clock() -> None:
    code, answer = post("00:00:59;29 Bars", start="00:00:00;00", rate="29.97")
    assert (code, answer["items"][0]["end"]) == (200, "00:00:59;29")
    assert str(Timecode.parse("00:00:59;29", "29.97") + Timecode(1, "29.97")) == "00:01:00;02"
    assert str(Timecode.parse("00:09:59;29", "29.97") + Timecode(1, "29.97")) == "00:10:00;00"
    assert Timecode.parse("10:00:00;00", "29.97").frames == 1_078_920


@pytest.mark.parametrize("rate", RATES)
def test_timecodes_of_ten_minutes_are_read_as_they_are_written(rate: str) -> None:
    first = 11 * 60 * RATES[rate]
    for frames in range(first, first + 10 * 60 * RATES[rate], 13):
        assert Timecode.parse(str(Timecode(frames, rate)), rate).frames == frames
    a_day = DAY_SECONDS * RATES[rate] - DROPS.get(rate, 0) * (1_440 - 144)
    assert str(Timecode(a_day, rate)) == str(Timecode(0, rate))


@pytest.mark.parametrize(
    ("body", "start", "rate", "detail"),
    [
        ("News 00:14:30:00", "20:00:00:00", "25", "'News' is not a timecode such as 00:00:00:00."),
        ("", "24:00:00:00", "25", "there is no timecode 24:00:00:00 with 25 frames a second."),
        ("", "00:00:00:25", "25", "there is no timecode 00:00:00:25 with 25 frames a second."),
        ("", "00:01:00;00", "29.97", "there is no timecode 00:01:00;00 with 29.97 frames a second."),
        ("", "00:00:00:00", "26", "26 is none of the rates 24, 25, 30, 50, 60, 29.97, 59.94."),
    ],
)
def test_what_is_not_a_timecode_is_refused(body: str, start: str, rate: str, detail: str) -> None:
    code, answer = post(body, start=start, rate=rate)
    assert (code, answer["errors"]) == (400, [{"title": "Not a rundown", "detail": detail}])
