"""`ApiTriggerOutput.json`: what becomes JSON, and that a refusal names the place but not the value."""

import json
import math
import uuid
from collections import namedtuple
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.sdk import ApiTriggerOutput, StatusCode

ID = uuid.UUID("c4cc7192-6ff5-4ca5-aae0-57c8615e25c8")
SECRET = "hunter2"


class Color(Enum):
    RED = "red"
    MIXED = (1, Decimal("2.50"))


class Level(IntEnum):
    LOW = 1


class Kind(StrEnum):
    A = "a"


@dataclass
class Inner:
    at: datetime


@dataclass
class Outer:
    inner: Inner
    items: list[Any] = field(default_factory=list)


class Model(pydantic.BaseModel):
    price: Decimal
    at: datetime
    data: float = 1.5


Pair = namedtuple("Pair", "a b")
NOON = datetime(2026, 7, 1, 12, 0, 0, 250_000, UTC)


def read(value):
    return json.loads(ApiTriggerOutput.json(value).response_body)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ([True, 0, -1.5, "ü", 10**4000], [True, 0, -1.5, "ü", 10**4000]),
        ((1, Pair(2, [3])), [1, [2, [3]]]),
        (NOON, "2026-07-01T12:00:00.250000Z"),
        (NOON.replace(tzinfo=None), "2026-07-01T12:00:00.250000"),
        (NOON.astimezone(timezone(timedelta(hours=2))), "2026-07-01T14:00:00.250000+02:00"),
        (NOON.timetz(), "12:00:00.250000Z"),
        (date(2026, 7, 1), "2026-07-01"),
        (time(1, 2), "01:02:00"),
        ([ID, Decimal("1.50"), Decimal("1E+3")], [str(ID), "1.50", "1E+3"]),
        ([Color.RED, Color.MIXED, Level.LOW, Kind.A], ["red", [1, "2.50"], 1, "a"]),
        (Outer(Inner(NOON), [ID]), {"inner": {"at": "2026-07-01T12:00:00.250000Z"}, "items": [str(ID)]}),
        (
            [Model(price=Decimal("1.50"), at=NOON)],
            [{"price": "1.50", "at": "2026-07-01T12:00:00.250000Z", "data": 1.5}],
        ),
        (
            {"a": 1, ID: 2, Color.RED: 3, 7: 4, True: 5, False: 6, NOON.date(): 7, NOON: 8},
            {"a": 1, str(ID): 2, "red": 3, "7": 4, "true": 5, "false": 6, "2026-07-01": 7, str(read(NOON)): 8},
        ),
        ({Level.LOW: 1}, {"1": 1}),
    ],
)
def test_values_become_json(value, expected):
    assert read(value) == expected


def test_the_answer_is_text_with_the_code():
    output = ApiTriggerOutput.json({"a": "ü"}, 201)
    assert (output.response_code, output.response_body, output.response_body_bytes) == (201, '{"a":"ü"}', None)
    assert output.response_headers.as_dict() == {}, "the platform adds application/json"
    assert ApiTriggerOutput.json([]).response_code == StatusCode.OK


@pytest.mark.parametrize(
    ("value", "error", "place"),
    [
        ({"items": [{"x": b"hunter2"}]}, TypeError, r"\$\.items\[0\]\.x is of the type bytes"),
        ({"a b": [1, {SECRET}]}, TypeError, r'\$\["a b"\]\[1\] is of the type set'),
        (Outer(Inner(NOON), [object()]), TypeError, r"\$\.items\[0\] is of the type object"),
        (Outer, TypeError, r"\$ is of the type type"),
        ([timedelta(1)], TypeError, r"\$\[0\] is of the type timedelta"),
        ([(each for each in SECRET)], TypeError, r"\$\[0\] is of the type generator"),
        ({"a": {None: SECRET}}, TypeError, r"\$\.a has a key of the type NoneType"),
        ({1.5: SECRET}, TypeError, r"\$ has a key of the type float"),
        ({"a": {(1, 2): SECRET}}, TypeError, r"\$\.a has a key of the type tuple"),
        ([0, math.nan], ValueError, r"\$\[1\] is not a finite number"),
        ({"a": -math.inf}, ValueError, r"\$\.a is not a finite number"),
        ([Decimal("sNaN")], ValueError, r"\$\[0\] is not a finite number"),
        ([Model(price=Decimal(1), at=NOON, data=math.inf)], ValueError, r"\$\[0\]\.data is not a finite number"),
        ([f"{SECRET}\ud800"], ValueError, r"\$\[0\] contains a lone surrogate"),
        ({"a": {"\ud800": SECRET}}, ValueError, r"\$\.a contains a lone surrogate"),
        ([10**5000], ValueError, r"\$\[0\] is an int of too many digits"),
        ({10**5000: 1}, ValueError, r"\$ is an int of too many digits"),
        ({"a": {1: SECRET, "1": SECRET}}, ValueError, r'\$\.a\["1"\] exists twice'),
    ],
)
def test_a_refusal_names_the_place_and_not_the_value(value, error, place):
    with pytest.raises(error, match=place) as caught:
        ApiTriggerOutput.json(value)
    assert SECRET not in str(caught.value)


def test_a_value_within_itself_is_refused():
    value: dict[str, Any] = {"a": []}
    value["a"].append(value)
    with pytest.raises(ValueError, match=r"\$\.a\[0\] contains itself"):
        ApiTriggerOutput.json(value)
    twice = [1]
    assert read([twice, twice]) == [[1], [1]]


def test_a_value_that_is_nested_too_deeply_is_refused():
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested too deeply"):
        ApiTriggerOutput.json(value)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals() | st.binary(max_size=3)
VALUES = st.recursive(
    SCALARS | st.uuids() | st.datetimes(timezones=st.none() | st.just(UTC)) | st.sampled_from([*Color, *Kind]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50, deadline=None)
@given(VALUES)
def test_any_value_becomes_strict_json_or_is_refused(value):
    try:
        body = ApiTriggerOutput.json(value).response_body
    except (TypeError, ValueError):
        with pytest.raises((TypeError, ValueError), match=r"^\$"):
            ApiTriggerOutput.json(value)
    else:
        json.loads(body.encode(), parse_constant=pytest.fail)
        assert ApiTriggerOutput.json(json.loads(body)).response_body == body
