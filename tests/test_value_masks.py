"""Masking of secret values in texts and bytes, whatever encoding writes them."""

import base64
import html
import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from foundation.value_masks import MASK, ValueMasks

PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n7/+w==\n-----END KEY-----\n"

values = st.text(st.characters(codec="utf-8", exclude_characters="•"), min_size=8, max_size=40)
surroundings = st.text(st.characters(codec="utf-8"), max_size=20)
# Values that begin, end and overlap in one another.
alike = st.text("ab", min_size=8, max_size=12)

ENCODINGS: Mapping[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON with all characters": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "JSON with slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "URL": lambda text: quote(text, safe=""),
    "URL with slashes": quote,
    "URL in lower case": lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
    "query": quote_plus,
    "form": lambda text: urlencode({"a": text})[2:],
    "JavaScript": lambda text: quote(text, safe="!'()*"),
    "repr": lambda text: repr(text)[1:-1],
    "ASCII": lambda text: ascii(text)[1:-1],
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "XML": html.escape,
}


def in_base64(before: bytes, value: str, after: bytes, altchars: bytes) -> tuple[str, str]:
    """The encoded bytes, and what of it is due to the value alone."""
    encoded = base64.b64encode(before + value.encode() + after, altchars).decode()
    end = len(before) + len(value.encode())
    return encoded, encoded[-(-8 * len(before) // 6) : 8 * end // 6]


@pytest.mark.parametrize("name", ENCODINGS)
@settings(max_examples=10, deadline=None)
@given(value=values, before=surroundings, after=surroundings)
@example(value="a/b+c d?é\"'<&>\\\n\x01😀", before="%", after='"')
def test_no_encoding_of_a_value_is_left(name, value, before, after):
    encoded = ENCODINGS[name](value)
    masks = ValueMasks([value])
    text = f"{before}{encoded}{after}"
    assert encoded not in masks.text(text)
    assert encoded.encode() not in masks.data(b"\xff" + text.encode() + b"\xfe")
    assert MASK in masks.text(text)


@settings(max_examples=60, deadline=None)
@given(values, st.binary(max_size=7), st.binary(max_size=7), st.sampled_from([b"+/", b"-_"]))
def test_no_base64_of_a_value_is_left(value, before, after, altchars):
    encoded, own = in_base64(before, value, after, altchars)
    masks = ValueMasks([value])
    assert own not in masks.text(encoded)
    assert own.encode() not in masks.data(encoded.encode())
    start, end = encoded.split(own, 1) if encoded.count(own) == 1 else ("", "")
    assert masks.text(encoded).startswith(start)
    assert masks.text(encoded).endswith(end)


@settings(max_examples=30)
@given(st.lists(st.text("AB/ é", min_size=8)), st.text("xyz\n\ud800•"), st.binary())
def test_other_texts_stay_as_they_are(secrets, text, data):
    masks = ValueMasks(secrets)
    assert masks.text(text) is text
    assert masks.data(bytes(byte | 0x80 for byte in data)) == bytes(byte | 0x80 for byte in data)


@settings(max_examples=60)
@given(st.lists(alike, min_size=1, max_size=4), st.text("ab", max_size=60))
@example(["abcabcab"], "abcabcabcab")
def test_all_that_values_cover_is_masked(secrets, text):
    starts = {(at, at + len(each)) for each in secrets for at in range(len(text)) if text.startswith(each, at)}
    covered = {at for start, end in starts for at in range(start, end)}
    masks = ValueMasks(secrets)
    left = "".join(character for at, character in enumerate(text) if at not in covered)
    assert masks.text(text).replace(MASK, "") == left
    assert masks.data(text.encode()) == masks.text(text).encode()


@settings(max_examples=60)
@given(st.lists(st.text("ab•", min_size=8, max_size=10), max_size=5), st.text("ab•", max_size=60))
@example(["12345678", "abcd•••efgh", "•••abcde"], "abcd12345678efgh 12345678abcde")
@example(["•" * 8], "•" * 50)
def test_masking_twice_changes_nothing_more(secrets, text):
    masks = ValueMasks(secrets)
    once = masks.text(text)
    assert masks.text(once) == once
    assert masks.data(masks.data(text.encode())) == masks.data(text.encode())
    assert not any(secret in once for secret in secrets)


def test_lines_of_a_value_are_masked_each():
    masks = ValueMasks([PEM])
    assert masks.text(f"key: {PEM}.") == f"key: {MASK}."
    assert masks.text(PEM.replace("\n", "\r\n  ")).split() == [MASK, MASK, MASK, "7/+w==", MASK]
    assert masks.text(f"a {PEM.splitlines()[1]} b") == f"a {MASK} b"
    encoded = base64.b64encode(b"user:" + PEM.splitlines()[2].encode() + b"@").decode()
    assert masks.text(encoded).count(MASK) == 1


def test_short_values_are_not_masked():
    masks = ValueMasks(["", "1234567", "a\nb\nc", "  pass  "[:7]])
    assert not masks
    assert masks.longest == 0
    assert masks.text("1234567 a\nb\nc") == "1234567 a\nb\nc"
    assert ValueMasks(["12345678"]).text("1234567 12345678") == f"1234567 {MASK}"


def test_values_can_be_added():
    masks = ValueMasks()
    masks.add(["first value"])
    masks.add(["second value", "first value"])
    assert masks.text("first value, second value") == f"{MASK}, {MASK}"


def test_undecodable_bytes_stay():
    masks = ValueMasks(["pässword"])
    assert masks.data(b"\xc3\xff" + "pässword".encode() + b"\xa4\x00") == b"\xc3\xff" + MASK.encode() + b"\xa4\x00"
    assert masks.text("\udcffpässword\ud800") == f"\udcff{MASK}\ud800"


def test_what_may_become_a_value_is_not_settled():
    masks = ValueMasks(["abcdefgh-1", "gh-1-ijklm"])
    assert [masks.settled(text) for text in ("xyz", "xyza", "xyzabcdefgh-", "xyzabcdefgh-1-xyz", "")] == [
        3,
        3,
        3,
        17,
        0,
    ]
    assert masks.settled("xyzabcdefgh-1-ijkl") == 3  # the end of one value, the beginning of the other
    assert masks.settled(b"\xffabcdefg") == 1


@settings(max_examples=60)
@given(st.lists(alike, min_size=1, max_size=3), st.text("ab", max_size=60), st.integers(0, 60))
def test_what_is_settled_is_masked_the_same_whatever_follows(secrets, text, size):
    masks = ValueMasks(secrets)
    settled = masks.settled(text[:size])
    assert masks.text(text[:settled]) + masks.text(text[settled:]) == masks.text(text)


def test_first_part_of_a_value_is_masked_where_bytes_are_cut_off():
    masks = ValueMasks(["abcdefghijkl", "•" * 8])
    assert masks.data(b"x abcdefgh", is_cut=True) == f"x {MASK}".encode()
    assert masks.data(b"x abcdefg", is_cut=True) == b"x abcdefg"
    assert masks.data(b"x abcdefgh y", is_cut=True) == b"x abcdefgh y"


@pytest.mark.parametrize("count", [1, 300])
def test_many_values_are_masked_like_one(count):
    secrets = [f"value-{number:03}-{'x' * number}" for number in range(count)]
    masks = ValueMasks(secrets)
    text = "\n".join(f"{number}: {secret}." for number, secret in enumerate(secrets))
    assert masks.text(text) == "\n".join(f"{number}: {MASK}." for number in range(count))
    assert masks.settled(text + secrets[-1][:9]) == len(text)
