"""What differs between a kept response and a new one, of which nobody knows yet which values to mask."""

import json

import pytest

from console.run_actions.outcome import differences
from endpoint.trigger_message import Statistics, TriggerAnswer
from fleet.answer import Answer
from fleet.kept_bodies import keep_response
from foundation.value_masks import ValueMasks
from runs.models import Run

MASKS = ValueMasks(["Kq7-vexing-Zulu", "4815162342"])
HEADERS = {"Location": ["/b", "/?key=Kq7-vexing-Zulu"]}


def differing(then: bytes, now: bytes, headers: dict[str, list[str]] = HEADERS) -> list[str]:
    kept = keep_response(200, HEADERS, then, is_text=True, masks=MASKS)
    statistics = Statistics(request_bytes=0, trigger_id="")
    answer = TriggerAnswer(statistics, None, Answer(1, code=200, headers=headers, body=now))
    return differences(Run(response_code=200), kept, answer)


@pytest.mark.parametrize("body", [
    json.dumps({"a": 1, "b": "Kq7-vexing-Zulu", "c": [4815162342], "token": "x"}).encode(),
    b"a Kq7-vexing-Zulu, Kq7-vexing-Zulu b",
    b"Kq7-vexing-Zulu",
    b"\xff Kq7-vexing-Zulu \xfe",
    b"[" * 60_000 + b'"Kq7-vexing-Zulu"',
])  # fmt: skip
def test_values_of_credentials_make_no_difference(body):
    assert differing(body, body) == []
    assert differing(body, body.replace(b"Zulu", b"Alfa")) == []


def test_other_differences_are_said():
    then = {"a": 1, "b": "Kq7-vexing-Zulu", "c": 2}
    for change in ({"a": 2}, {"c": "2"}, {"d": None}):
        assert differing(json.dumps(then).encode(), json.dumps(then | change).encode()) == ["body"], change
    assert differing(b"", b"", {"Location": ["/c", "/?key=Kq7-vexing-Zulu"]}) == ["headers"]
    for now in (b"a", b"a a", b"a  x", b"x a  a"):
        assert differing(b"a Kq7-vexing-Zulu a", now) == ["body"], now
