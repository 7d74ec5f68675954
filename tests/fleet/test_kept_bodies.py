"""What a run keeps of its request and response, how it is cut, and how masked values are filled in again."""

import json
from itertools import pairwise
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.kept_bodies import (
    LARGEST_KEPT_BODY,
    LARGEST_KEPT_PAIRS,
    MOST_LISTED,
    FilledRequest,
    KeptRequest,
    KeptResponse,
    MaskedValue,
    NotFilledError,
    fill,
    keep_request,
    keep_response,
)
from fleet.masks import ValueKind, mask_of
from foundation.value_masks import MASK

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def kept_of(body: bytes, content_type: str = JSON) -> KeptRequest:
    return keep_request([], [], body, content_type)


def test_request_says_what_is_masked():
    body = b'{"user": {"password": "x", "a/b~c": [{"token": 17}]}}'
    headers = [("Accept", "*/*"), ("X-Auth", "a"), ("X-Auth", "b")]
    kept = keep_request([("page", "1"), ("api_key", "x")], headers, body, JSON)
    assert kept == KeptRequest(
        query=[("page", "1"), ("api_key", MASK)],
        headers=[("Accept", "*/*"), ("X-Auth", MASK), ("X-Auth", MASK)],
        content_type=JSON,
        body='{"user": {"password": "•••", "a/b~c": [{"token": "•••"}]}}',
        masked=[
            MaskedValue("query", "api_key", 1),
            MaskedValue("header", "X-Auth", 1),
            MaskedValue("header", "X-Auth", 2),
            MaskedValue("body", "/user/password", 22, ValueKind.JSON_STRING),
            MaskedValue("body", "/user/a~1b~0c/0/token", 49, ValueKind.JSON),
        ],
    )


def test_response_is_masked_like_a_request():
    headers = {"content-TYPE": [FORM], "X-Token": ["a", "b"], "Accept": ["x", "y"]}
    kept = keep_response(201, headers, b"token=x&id=7", is_text=True)
    assert kept.code == 201
    assert kept.headers == {"content-TYPE": [FORM], "X-Token": [MASK, MASK], "Accept": ["x", "y"]}
    assert kept.body == f"token={MASK}&id=7"
    assert [place.where for place in kept.masked] == ["header", "header", "body"]
    assert keep_response(200, {}, b'{"token": 1}', is_text=False).body == f'{{"token": "{MASK}"}}'


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.msgpack.encode])
@pytest.mark.parametrize("body", [b"", b"text", b"\xff\x00", b'{"token": 1}'])
def test_what_is_kept_can_be_stored(encode, body):
    decode = msgspec.json.decode if encode is msgspec.json.encode else msgspec.msgpack.decode
    request = keep_request([("a\udcff", "\udcff")], [("b", "ÿ")], body, JSON)
    response = keep_response(200, {"token": ["x"]}, body, is_text=False)
    assert decode(encode(request), type=KeptRequest) == request
    assert decode(encode(response), type=KeptResponse) == response


def test_nothing_takes_next_to_no_room():
    assert msgspec.json.encode(KeptRequest()) == b"{}"


@pytest.mark.parametrize("more", [0, 1, 30 * 1024 * 1024 - LARGEST_KEPT_BODY])
def test_body_is_cut_at_its_limit(more):
    kept = kept_of(b"x" * (LARGEST_KEPT_BODY + more), "text/plain")
    assert (kept.body, kept.is_cut) == ("x" * LARGEST_KEPT_BODY, more > 0)


@pytest.mark.parametrize("shift", range(4))
@pytest.mark.parametrize("character", ["é", "•", "😀"])
def test_no_character_is_cut_open(shift, character):
    body = "x" * shift + character * LARGEST_KEPT_BODY
    kept = kept_of(body.encode(), "text/plain")
    assert kept.body is not None
    assert body.startswith(kept.body)
    assert LARGEST_KEPT_BODY - 4 < len(kept.body.encode()) <= LARGEST_KEPT_BODY


@pytest.mark.parametrize("before", range(LARGEST_KEPT_BODY - 40, LARGEST_KEPT_BODY + 2))
def test_secret_at_the_limit_is_masked_or_missing(before):
    body = '{"a": "' + "x" * (before - 24) + '", "password": "hunter2-Zq9", "b": 1}'
    kept = kept_of(body.encode())
    assert kept.body is not None
    assert kept.body in body.replace("hunter2-Zq9", MASK)
    assert "hunter" not in kept.body
    assert len(kept.body.encode()) <= LARGEST_KEPT_BODY


@pytest.mark.parametrize("start", range(8))
def test_masks_that_take_more_room_than_their_values_are_not_cut_open(start):
    body = b"[" + b" " * start + b'{"pass":1},' * 5_000 + b"0]"
    kept = kept_of(body)
    assert kept.body is not None
    assert kept.is_cut
    assert kept.body.count("•") == 3 * kept.body.count(f'"{MASK}"')
    assert LARGEST_KEPT_BODY - 12 < len(kept.body.encode()) <= LARGEST_KEPT_BODY


def test_secret_longer_than_the_limit_is_masked():
    kept = kept_of(b'{"token": "' + b"x" * LARGEST_KEPT_BODY + b'", "a": 1}')
    assert (kept.body, kept.is_cut) == (f'{{"token": "{MASK}"', True)


def test_deep_nesting_is_no_problem():
    body = b'{"a":' * 10_000 + b'{"token":1}'
    kept = kept_of(body)
    assert (kept.body, kept.is_cut) == (body.decode().replace("1", f'"{MASK}"'), False)
    assert kept.masked[0].name == "…" + "/a" * 9 + "/token"
    assert kept_of(b"[" * 100_000).body == "[" * LARGEST_KEPT_BODY


@pytest.mark.parametrize("pairs", [[("a", "x" * LARGEST_KEPT_PAIRS)], [("a" * 99, "é")] * 200])
def test_query_and_headers_are_cut_between_values(pairs):
    first = [("first", "1"), ("token", "x")]
    kept = keep_request(first + pairs, [], b"", "")
    assert kept.is_cut
    assert kept.query == [("first", "1"), ("token", MASK), *pairs[: len(kept.query) - 2]]
    assert sum(len((name + value).encode()) for name, value in kept.query) <= LARGEST_KEPT_PAIRS
    assert keep_request([], first + pairs, b"", "").headers == kept.query
    response = keep_response(200, {name: [value] for name, value in first + pairs[:1] * 2}, b"", is_text=True)
    assert response.headers["token"] == [MASK]


def test_masked_headers_have_room_whatever_their_length():
    headers = [("Token", "x" * LARGEST_KEPT_PAIRS), ("a", "b")]
    kept = keep_request([], headers, b"", "")
    assert (kept.headers, kept.is_cut) == ([("Token", MASK), ("a", "b")], False)


def test_long_content_type_is_cut():
    kept = kept_of(b"", "x" * 5_000)
    assert (len(kept.content_type), kept.is_cut) == (1_024, True)


def test_binary_body_is_kept_as_bytes():
    assert kept_of(b"\xff\xfe{", "image/png") == KeptRequest(content_type="image/png", body=None, binary=b"\xff\xfe{")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"name": "Jos\xe9", "token": "x"}', JSON),
        (b"name=Jos\xe9&token=x", FORM),
        (
            b'--b\r\nname=file\r\n\r\n\xff\x00\r\n--b\r\nname="token"\r\n\r\nx\r\n--b--',
            "multipart/form-data; boundary=b",
        ),
    ],
)
def test_secrets_beside_undecodable_bytes_are_masked_and_filled(body, content_type):
    kept = kept_of(body, content_type)
    mask = mask_of(kept.masked[0].kind).encode()
    assert kept.body is None
    assert mask in kept.binary
    assert fill(kept, ["x"]).body == body


def test_filled_request_is_what_was_sent():
    body = b'{"password": "x\\n", "n": {"token": 17, "auth": [1, {}]}, "payload": "{\\"token\\": 1}"}'
    kept = keep_request([("token", "a"), ("b", "c")], [("b", "c"), ("X-Auth", "d")], body, JSON)
    filled = fill(kept, ["a", "d", "x\n", "17", "[1, {}]", '{"token": 1}'])
    assert filled == FilledRequest([("token", "a"), ("b", "c")], [("b", "c"), ("X-Auth", "d")], body)
    assert kept.query[0] == ("token", MASK)


def test_unmasked_request_is_sent_again_as_it_was():
    assert fill(kept_of(b'{"a":\t1.0}'), []).body == b'{"a":\t1.0}'


def test_mask_that_was_sent_is_no_mask():
    kept = keep_request([("a", MASK)], [], f'{{"a": "{MASK}", "token": "{MASK}"}}'.encode(), JSON)
    assert [place.name for place in kept.masked] == ["/token"]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["a", "token", "pass word", "b"]), st.text()), max_size=6))
def test_form_that_is_filled_has_the_same_fields(fields):
    body = urlencode(fields, errors="replace")
    kept = kept_of(body.encode(), FORM)
    values = [value for name, value in parse_qsl(body, keep_blank_values=True) if name in ("token", "pass word")]
    assert fill(kept, values).body.decode() == body


@settings(max_examples=60)
@given(
    st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))), st.text(max_size=20)
)
def test_filled_json_means_the_same(members, name):
    sent = {**members, f"{name}token": "x", "last": 'ä"\\'}
    body = json.dumps(sent).encode()
    kept = kept_of(body)
    values = [value for key, value in sent.items() if f"/{_step(key)}" in {place.name for place in kept.masked}]
    assert json.loads(fill(kept, values).body) == sent


def _step(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1").encode(errors="replace").decode()


def test_places_are_in_the_order_of_the_body():
    kept = kept_of(b'{"token": 1, "b": {"secret": 2}, "auth": 3}')
    assert all(one.at < other.at for one, other in pairwise(kept.masked))


@pytest.mark.parametrize("value", ["", "x", "1,", '1, "admin": true', "[" * 100_000, "{", '"a'])
def test_value_that_is_no_json_is_refused(value):
    with pytest.raises(NotFilledError) as refused:
        fill(kept_of(b'{"a": 1, "pass": "x", "token": 17}'), ["x", value])
    assert refused.value.number == 1


@pytest.mark.parametrize("values", [[], ["1", "2"]])
def test_another_number_of_values_is_refused(values):
    with pytest.raises(NotFilledError):
        fill(kept_of(b'{"token": 17}'), values)


def test_cut_request_is_not_filled():
    with pytest.raises(NotFilledError):
        fill(kept_of(b"x" * LARGEST_KEPT_BODY + b"x"), [])


def test_request_with_too_many_secrets_is_masked_but_not_filled():
    kept = kept_of(b"token=x&" * (MOST_LISTED + 5), FORM)
    assert (kept.body, kept.is_cut) == (f"token={MASK}&" * (MOST_LISTED + 5), False)
    assert (len(kept.masked), kept.unlisted) == (MOST_LISTED, 5)
    with pytest.raises(NotFilledError):
        fill(kept, ["x"] * MOST_LISTED)
