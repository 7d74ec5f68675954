"""What differs between two runs."""

import json
import time
import uuid

import pytest

from fleet.kept_bodies import KeptRequest, keep_response
from runs.bodies import KeptBodies
from runs.comparison import (
    LONGEST_VALUE,
    MOST_CHANGES,
    MOST_LINES,
    RunDifference,
    changed_lines,
    changed_values,
    compare,
)
from runs.models import Run

NO_LOGS: tuple[list[str], list[str]] = [], []


def run(**columns):
    return Run(**{"status": "Succeeded", "response_code": 200, "script_name": "a", "script_version": 1} | columns)


def answered(body, headers=None, code=200):
    if isinstance(body, bytes):
        return KeptBodies(KeptRequest(), keep_response(code, headers or {}, body, is_text=False))
    return KeptBodies(KeptRequest(), keep_response(code, headers or {}, body.encode(), is_text=True))


def body_changes(first, second):
    return compare(run(), run(), NO_LOGS, [answered(first), answered(second)]).body


def values(first, second):
    return [(change.path, change.first, change.second) for change in changed_values(first, second).values]


def test_same_runs_differ_in_nothing_but_times():
    found = compare(run(run_milliseconds=3), run(run_milliseconds=5), (["a"], ["a"]), [answered("{}"), answered("{}")])
    assert found.are_same
    assert found.times[1] == RunDifference("runMilliseconds", "3", "5")


def test_status_and_script_are_compared():
    first, second = run(), run(status="Failed", response_code=None, error_code=12, script_version=2)
    found = compare(first, second, NO_LOGS)
    assert [(change.path, change.first, change.second) for change in found.status.values] == [
        ("status", "Succeeded", "Failed"),
        ("responseCode", "200", None),
        ("errorCode", None, "12"),
    ]
    assert found.script.values == [RunDifference("scriptVersion", "1", "2")]
    assert (found.headers, found.body, found.are_same) == (None, None, False)


def test_headers_are_compared_whatever_their_case():
    first = answered("", {"x-a": ["1", "2"], "X-Same": ["s"]})
    second = answered("", {"X-A": ["1"], "x-same": ["s"], "X-New": ["n"]})
    found = compare(run(), run(), NO_LOGS, [first, second]).headers
    assert found is not None
    assert found.values == [RunDifference("X-A", "1, 2", "1"), RunDifference("X-New", None, "n")]


@pytest.mark.parametrize(
    ("first", "second", "changes"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": 1}, {"a": 2}, [("/a", "1", "2")]),
        ({"a": 1}, {"b": 1}, [("/a", "1", None), ("/b", None, "1")]),
        ({"a/b~": {"": 1}}, {"a/b~": {"": 2}}, [("/a~1b~0/", "1", "2")]),
        ([1, 2, 3], [1, 5, 3], [("/1", "2", "5")]),
        ([2, 3], [1, 2, 3], [("/0", None, "1")]),
        ([1, 2, 3, 4], [1, 4], [("/1", "2", None), ("/2", "3", None)]),
        (1, True, [("", "1", "true")]),
        (0, None, [("", "0", "null")]),
        ({"a": [1]}, {"a": {"0": 1}}, [("/a", "[1]", '{"0": 1}')]),
        ("ä", "b", [("", '"ä"', '"b"')]),
    ],
)
def test_differences_of_json_are_named_by_pointers(first, second, changes):
    assert values(first, second) == changes


def test_items_that_begin_alike_are_not_the_same():
    long = "x" * (LONGEST_VALUE + 1)
    assert [path for path, *_ in values([long + "a", 1], [long + "b", 1, 2])] == ["/0", "/2"]


def test_number_of_changes_is_bounded():
    found = changed_values(list(range(5_000)), list(range(1, 5_001)))
    assert (len(found.values), found.is_cut) == (MOST_CHANGES, True)


@pytest.mark.parametrize("body", ["NaN", "[" * 60_000, "1" * 5_000, "text\nof lines"])
def test_bodies_that_python_does_not_read_as_json_are_compared_by_lines(body):
    assert body_changes(body, body).are_none
    changed = body_changes(body, f"{body}\nmore")
    assert changed.lines == ["+more"]


def test_large_bodies_take_little_time():
    deep, wide = "[" * 900 + "]" * 900, json.dumps([0, 1] * 9_000)
    lines = "\n".join(str(number % 7) for number in range(30_000))
    begun = time.process_time()
    for first, second in ((deep, f"[{deep}]"), (wide, wide[:-1] + ", 2]"), (lines, lines[::-1])):
        assert not body_changes(first, second).are_none
    assert time.process_time() - begun < 2


def test_bytes_are_only_compared_as_a_whole():
    assert body_changes(b"\xff\x00", b"\xff\x00").are_none
    assert body_changes(b"\xff\x00", b"\xff").values == [RunDifference("", "2 bytes", "1 bytes")]


def test_masked_values_count_as_the_same():
    assert body_changes('{"password": "a"}', '{"password": "b"}').are_none


def test_lines_of_the_log_are_compared():
    found = changed_lines(["a", "b", "c"], ["a", "x", "c"])
    assert (found.lines, found.is_cut) == (["-b", "+x"], False)
    many = changed_lines([f"a{number}" for number in range(MOST_LINES + 1)], ["b"])
    assert many.is_cut


def test_one_run_without_bodies_leaves_them_uncompared():
    found = compare(run(), run(id=uuid.uuid4()), NO_LOGS, [answered("x"), None])
    assert (found.body, found.are_same) == (None, True)
