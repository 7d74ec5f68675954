"""The form of *Run again…*: what is entered for a masked value goes there, and nowhere else."""

import json

import msgspec
import pytest

from console.run_actions.drafts import draft_of, filled_body
from fleet.kept_bodies import KeptRequest, keep_request, masked_kept_request
from foundation.value_masks import ValueMasks

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def drafted(request):
    draft = draft_of(request)
    assert draft is not None
    return draft


def kept(body, content_type=JSON):
    return keep_request([], [], body.encode(), content_type)


def test_value_takes_the_place_of_its_mark():
    request = kept('{"a": 1, "password": "hunter2", "token": 7}')
    body = drafted(request).body.replace('"a": 1', '"a": 2')
    assert json.loads(filled_body(request, body, ['x"y', "8"])) == {"a": 2, "password": 'x"y', "token": 8}


@pytest.mark.parametrize(("body", "content_type"), [
    ('{"note": "•••1•••", "list": ["•••2•••", "•••3•••4•••"], "password": "hunter2"}', JSON),
    ("note=%E2%80%A2%E2%80%A2%E2%80%A21%E2%80%A2%E2%80%A2%E2%80%A2&password=hunter2", FORM),
    ("note=•••1•••&password=hunter2", FORM),
])  # fmt: skip
def test_callers_cannot_send_marks(body, content_type):
    request = kept(body, content_type)
    draft = drafted(request)
    assert draft.body.count(draft.marks[0][1]) == 1
    assert filled_body(request, draft.body, ["entered"]) == body.replace("hunter2", "entered")


@pytest.mark.parametrize(("body", "content_type"), [
    ('{"é": 1, "password": "x", "a": "Kq7-vexing", "b": {"c": "x"}}', JSON),
    ("é=1&password=x&a=Kq7-vexing&b=x", FORM),
    ("password: x, Kq7-vexing; •••1•••", "text/plain"),
])  # fmt: skip
def test_value_of_a_credential_is_entered_in_its_place(body, content_type):
    known = masked_kept_request(msgspec.json.encode(kept(body, content_type)), ValueMasks(["Kq7-vexing"]))
    request = msgspec.json.decode(known, type=KeptRequest)
    draft = drafted(request)
    values = ["x"] * (len(draft.marks) - 1) + ["Kq7-vexing"]
    assert "vexing" not in draft.body
    assert filled_body(request, draft.body, values) == body
