"""The values of credentials in what a run keeps of its request and response."""

import json
from base64 import b64encode
from urllib.parse import quote_plus

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.kept_bodies import (
    LARGEST_KEPT_BODY,
    KeptRequest,
    KeptResponse,
    MaskedValue,
    fill,
    keep_request,
    keep_response,
    masked_kept_request,
)
from fleet.masks import ValueKind
from foundation.value_masks import MASK, ValueMasks

JSON, FORM, TEXT = "application/json", "application/x-www-form-urlencoded", "text/plain"
MULTIPART = "multipart/form-data; boundary=limit"
VALUE = 'Kq7/vexing "Zulu" 42'
NUMBER = "4815162342"
MASKS = ValueMasks([VALUE, NUMBER])

QUOTED = json.dumps(VALUE)
UNUSUAL = QUOTED.replace("v", "\\u0076").replace("Z", "\\u005A")
FORM_VALUE = quote_plus(VALUE)
ENCODED = b64encode(f"me:{VALUE}".encode()).decode()


def kept_of(body: str | bytes, content_type: str, query=(), headers=()) -> KeptRequest:
    """What a node keeps of a request."""
    sent = body.encode() if isinstance(body, str) else body
    kept = msgspec.json.encode(keep_request(query, list(headers), sent, content_type))
    return msgspec.json.decode(masked_kept_request(kept, MASKS), type=KeptRequest)


def response_of(body: str | bytes, content_type: str = TEXT) -> KeptResponse:
    sent = body.encode() if isinstance(body, str) else body
    return keep_response(200, {"Content-Type": [content_type]}, sent, is_text=True, masks=MASKS)


BODIES = [
    (f'{{"a": [{QUOTED}, 1]}}', JSON, f'{{"a": ["{MASK}", 1]}}', ["/a/0"]),
    (f'{{"a": "say {QUOTED[1:-1]}!"}}', JSON, f'{{"a": "{MASK}"}}', ["/a"]),
    (f'{{"a": {UNUSUAL}}}', TEXT, f'{{"a": "{MASK}"}}', ["/a"]),
    (f'{{"a": {json.dumps(json.dumps({"b": VALUE}))}}}', JSON, f'{{"a": "{MASK}"}}', ["/a"]),
    (f'{{"a": {NUMBER}, "b": "{ENCODED}"}}', JSON, f'{{"a": "{MASK}", "b": "{MASK}"}}', ["/a", "/b"]),
    (f'{{{QUOTED}: {{"b": {NUMBER}}}}}', JSON, f'{{"{MASK}": {{"b": "{MASK}"}}}}', ["", f"/{MASK}/b"]),
    (f'{{"token": 1}} {VALUE}', JSON, f'{{"token": "{MASK}"}} {MASK}', ["/token", ""]),
    (f"a=1&b={FORM_VALUE}%21&c=2", FORM, f"a=1&b={MASK}&c=2", ["b"]),
    (f"token=1&{FORM_VALUE}={FORM_VALUE}", FORM, f"token={MASK}&{MASK}={MASK}", ["token", "", MASK]),
    (f"a {VALUE}, {VALUE}.", TEXT, f"a {MASK}, {MASK}.", ["", ""]),
    (f"<a b='1'>{VALUE}</a>", "application/xml", f"<a b='1'>{MASK}</a>", [""]),
    (
        f'--limit\r\nname="a"\r\n\r\n({VALUE})\r\n--limit\r\nname="b"\r\n\r\nx\r\n--limit--',
        MULTIPART,
        f'--limit\r\nname="a"\r\n\r\n{MASK}\r\n--limit\r\nname="b"\r\n\r\nx\r\n--limit--',
        ["a"],
    ),
]


@pytest.mark.parametrize(("body", "content_type", "shown", "names"), BODIES)
def test_values_in_bodies_are_masked_and_listed(body, content_type, shown, names):
    kept, response = kept_of(body, content_type), response_of(body, content_type)
    assert (kept.body, [place.name for place in kept.masked]) == (shown, names)
    assert (response.body, [place.name for place in response.masked]) == (shown, names)
    assert (kept.is_cut, response.is_cut) == (False, False)


def test_replay_fills_masked_values_in():
    query, headers = [("a", f"x {VALUE}"), ("b", "1")], [("Accept", "*/*"), ("X-A", ENCODED), ("X-Token", "t")]
    body = f'{{"é": "x", "password": 17, "a": {QUOTED}, "b": "{NUMBER}", "c": {NUMBER}}}'
    kept = kept_of(body, JSON, query, headers)
    assert kept.masked == [
        MaskedValue("query", "a", 0),
        MaskedValue("header", "X-A", 1),
        MaskedValue("header", "X-Token", 2),
        MaskedValue("body", "/password", 23, ValueKind.JSON),
        MaskedValue("body", "/a", 35, ValueKind.JSON_STRING),
        MaskedValue("body", "/b", 47, ValueKind.JSON_STRING),
        MaskedValue("body", "/c", 59, ValueKind.JSON),
    ]
    filled = fill(kept, [f"x {VALUE}", ENCODED, "t", "17", VALUE, NUMBER, NUMBER])
    assert (filled.query, filled.headers) == (query, headers)
    assert json.loads(filled.body) == json.loads(body)


@pytest.mark.parametrize("body", [f"{VALUE} \xff".encode("latin-1"), b"\xfe\x00" + VALUE.encode() + b"\x00\xff"])
def test_values_in_binary_bodies_are_masked(body):
    kept = kept_of(body, "image/png")
    assert kept.body is None
    assert kept.binary == response_of(body).binary == body.replace(VALUE.encode(), MASK.encode())
    assert fill(kept, [VALUE]).body == body


def test_values_in_headers_of_a_response_are_masked():
    headers = {"Location": [f"/?a={FORM_VALUE}", "/b"], "X-Token": ["x"]}
    kept = keep_response(302, headers, b"", is_text=True, masks=MASKS)
    assert kept.headers == {"Location": [MASK, "/b"], "X-Token": [MASK]}
    assert [place.name for place in kept.masked] == ["Location", "X-Token"]


def test_pair_with_a_value_in_its_name_is_not_kept():
    kept = kept_of("", TEXT, [("a", "1"), (VALUE, "2")], [(f"x{NUMBER}", "3")])
    assert (kept.query, kept.headers, kept.is_cut) == ([("a", "1")], [], True)
    response = keep_response(200, {NUMBER: ["x"]}, b"", is_text=True, masks=MASKS)
    assert (response.headers, response.is_cut) == ({}, True)


def test_names_of_masked_values_hold_no_values():
    for key in (VALUE, "x" * 95 + VALUE, VALUE + "x" * 95):
        body = json.dumps({key: {"token": 1, "b": VALUE}})
        for kept in (kept_of(body, JSON), response_of(body, JSON)):
            assert "Kq7" not in "".join(place.name for place in kept.masked)
    assert kept_of("", f"text/{NUMBER}").content_type == f"text/{MASK}"


@pytest.mark.parametrize("before", range(LARGEST_KEPT_BODY - len(VALUE) - 1, LARGEST_KEPT_BODY + 2, 4))
@pytest.mark.parametrize("write", [str, lambda text: json.dumps({"a": text})])
def test_value_at_the_limit_is_masked_or_missing(before, write):
    text = write("x" * before + VALUE + "y" * 10)
    for kept in (kept_of(text, TEXT), response_of(text)):
        assert kept.is_cut
        assert kept.body is not None
        assert set(kept.body) <= set('{"a": x}' + MASK + "y")


def test_masks_that_take_more_room_than_their_values_cut_the_rest():
    masks = ValueMasks(["8letters"])
    kept = msgspec.json.encode(keep_request([], [], b"8letters" * (LARGEST_KEPT_BODY // 8), TEXT))
    again = msgspec.json.decode(masked_kept_request(kept, masks), type=KeptRequest)
    assert again.is_cut
    assert again.body == MASK * (LARGEST_KEPT_BODY // len(MASK.encode()))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(['{"', "token", '":', '"', "[", "]", "}", ",", "1", "\\", "a=", "&", "é", "\n", "•••"])),
    st.sampled_from([JSON, FORM, MULTIPART, TEXT]),
    st.booleans(),
)
def test_request_without_values_stays_as_it_is(parts, content_type, is_long):
    body = "".join(parts).encode() + b"x" * LARGEST_KEPT_BODY * is_long
    kept = msgspec.json.encode(keep_request([("token", "x"), ("a", "b")], [], body, content_type))
    assert masked_kept_request(kept, MASKS) == kept
    assert masked_kept_request(kept, ValueMasks()) is kept


TREES = st.recursive(
    st.sampled_from(["x", VALUE, f"{VALUE}!", ENCODED, 1, int(NUMBER), None, QUOTED]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "token", "é"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(TREES, st.booleans())
def test_no_value_is_kept_of_json(tree, ascii_only):
    body = json.dumps([tree], ensure_ascii=ascii_only)
    kept = kept_of(body, JSON)
    assert kept.body is not None
    assert [place for place in ("vexing", NUMBER, ENCODED[4:-4]) if place in kept.body] == []
    assert json.loads(kept.body)
    marked = fill(kept, [f'"{number}"' for number in range(len(kept.masked))]).body
    assert str(json.loads(marked)).count(MASK) == 0
