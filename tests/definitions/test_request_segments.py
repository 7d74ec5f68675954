"""How the path of a request is read, compared with a naive reading of the contract."""

import unicodedata

from hypothesis import example, given, settings
from hypothesis import strategies as st

from definitions import routes
from tests.values import for_each


def naive(raw: bytes) -> tuple[str, ...] | None:
    decoded = []
    for segment in raw.split(b"/"):
        if segment == b"":
            continue
        content, position = bytearray(), 0
        while position < len(segment):
            digits = segment[position + 1 : position + 3]
            if segment[position : position + 1] == b"%" and len(digits) == 2 and _is_hex(digits):
                content.append(int(digits, 16))
                position += 3
            else:
                content.append(segment[position])
                position += 1
        try:
            text = bytes(content).decode("utf-8")
        except UnicodeDecodeError:
            return None
        if text in (".", "..") or "/" in text or any(unicodedata.category(c) == "Cc" for c in text):
            return None
        decoded.append(text)
    return tuple(decoded)


def _is_hex(digits: bytes) -> bool:
    return all(digit in b"0123456789abcdefABCDEF" for digit in digits)


def read(raw: bytes) -> tuple[str, ...] | None:
    """WSGI hands the path over as Latin-1."""
    return routes.request_segments(raw.decode("latin-1"))


@for_each(
    "raw, segments",
    [
        (b"", ()),
        (b"/", ()),
        (b"//", ()),
        (b"a/b", ("a", "b")),
        (b"a//b/", ("a", "b")),
        (b"///a///b//", ("a", "b")),
        (b"A/b", ("A", "b")),
        (b"a%20b/c+d", ("a b", "c+d")),
        (b"%61%62", ("ab",)),
        (b"%2541", ("%41",)),  # decoded once
        (b"%252F", ("%2F",)),
        (b"%25", ("%",)),
        (b"%", ("%",)),
        (b"%4", ("%4",)),
        (b"%zz", ("%zz",)),
        (b"%%34%31", ("%41",)),
        (b"%7Bid%7D", ("{id}",)),
        (b"%E6%97%A5", ("日",)),
        ("日".encode(), ("日",)),  # unencoded UTF-8
        (b"e%CC%81", ("e\u0301",)),
        (b"...", ("...",)),
        (b".a", (".a",)),
        (b"%F0%9F%98%80", ("😀",)),
        (b"a%3Fb%23", ("a?b#",)),
        (b"%EF%BB%BFa", ("\ufeffa",)),
    ],
)
def test_paths_are_read_into_segments(raw, segments):
    assert read(raw) == naive(raw) == segments


@for_each(
    "raw",
    [
        b"a/.",
        b"a/../b",
        b"a/%2e",
        b"%2E%2e/b",
        b".%2E",
        b"a%2Fb",
        b"a%2fb",
        b"a%00",
        b"a%0Ab",
        b"%7F",
        b"%C2%80",
        b"%C2%85",
        b"%FF",
        b"\xff",
        b"%C3",
        b"%ED%A0%80",  # a surrogate
        b"%C0%AF",  # an overlong slash
        b"%F4%90%80%80",  # beyond Unicode
    ],
)
def test_paths_with_impossible_segments_match_nothing(raw):
    assert read(raw) is None
    assert naive(raw) is None


_pieces = st.sampled_from(
    [b"a", b"B", b"/", b"//", b".", b"..", b"%2e", b"%2F", b"%25", b"%", b"%C3", b"%A9", b"\xc3\xa9", b"\xff", b"%00"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(_pieces, st.binary(min_size=1, max_size=3)), max_size=10).map(b"".join))
@example(b"%\xc3\xa9")
def test_every_path_is_read_as_the_naive_reading_does(raw):
    assert read(raw) == naive(raw)


def test_characters_that_no_server_hands_over_break_nothing():
    assert routes.request_segments("a/日") in {("a", "?"), None}


def test_captured_parameters_keep_case_and_blanks():
    segments = read(b"Tickets/AbC%20%7B%7D/x")
    assert segments is not None
    assert routes.captured("tickets/{Id}/{rest}", segments) == {"Id": "AbC {}", "rest": "x"}
