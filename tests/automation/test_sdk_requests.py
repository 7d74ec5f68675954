"""The request as a script reads it: headers, text and bytes, JSON, forms."""

import json
import math
import tracemalloc
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.sdk import ApiError, ApiTriggerInput, QueryParameters, RequestHeaders, TriggerContext, is_text

FORM = "application/x-www-form-urlencoded"
SECRET = "hunter2"
ENCODABLE = st.text(st.characters(exclude_categories=["Cs"]))


def request_of(body, content_type=None):
    headers = {"Content-Type": content_type} if content_type else {}
    given_as = {"raw_body": body} if isinstance(body, str) else {"raw_body_bytes": body}
    return ApiTriggerInput(headers=headers, **given_as)


def refused(read):
    """The error of a body that cannot be read. It says nothing of what the body holds."""
    with pytest.raises(ApiError) as caught:
        read()
    error = caught.value
    assert error.status == 400
    assert error.title.startswith("The request body is not ")
    assert SECRET not in str(error)
    assert error.__context__ is None or error.__suppress_context__, "a traceback would show what the body holds"
    return error


def test_names_of_headers_are_case_insensitive():
    headers = RequestHeaders([("x-github-event", "push"), ("Accept", "a"), ("ACCEPT", "b"), ("X-Empty", "")])
    assert headers.keys() == list(headers) == ["X-Github-Event", "Accept", "X-Empty"]
    assert (headers.get("X-GitHub-Event"), headers.get("accept"), headers.get("x-empty", "?")) == ("push", "a", "")
    assert headers.get_all("aCCEPT") == ["a", "b"]
    assert "X-GITHUB-EVENT" in headers
    assert 7 not in headers
    assert (len(headers), headers.get("X-None"), headers.get_all("X-None")) == (3, None, [])
    assert headers == RequestHeaders({"X-GitHub-Event": "push", "accept": ["a", "b"], "x-empty": ""})
    assert RequestHeaders({"A": "1"}) != QueryParameters({"A": "1"})


@given(st.lists(st.tuples(st.text("abAB-_1!#", min_size=1, max_size=4), st.text(max_size=5)), max_size=8))
def test_any_spelling_of_a_header_finds_its_values(pairs):
    headers = RequestHeaders(pairs)
    assert set(headers) == {name.title() for name, _ in pairs}
    for name, _ in pairs:
        expected = [value for other, value in pairs if other.lower() == name.lower()]
        assert headers.get_all(name.lower()) == headers.get_all(name.upper()) == expected


@pytest.mark.parametrize(
    ("content_type", "kind", "text"),
    [
        ("", "", False),
        ("text/plain", "text/plain", True),
        ('Text/HTML ; Charset="UTF-8"', "text/html", True),
        ("application/json;charset=utf-8", "application/json", True),
        ("application/xml; q=1", "application/xml", True),
        ("application/problem+json", "application/problem+json", True),
        ("image/svg+xml;charset=UTF-8", "image/svg+xml", True),
        (FORM, FORM, True),
        ("text/plain; charset=latin-1", "text/plain", False),
        ("text/plain; charset=", "text/plain", False),
        ("text/plain; charset*=latin-1''x", "text/plain", False),
        ("text/plain; charset=utf-8; charset=latin-1", "text/plain", False),
        ('text/plain; a="; charset=latin-1"', "text/plain", True),
        ("application/octet-stream", "application/octet-stream", False),
        ("application/octet-stream; a=text/plain", "application/octet-stream", False),
        ("multipart/form-data; boundary=x", "multipart/form-data", False),
        ("text/", "text/", False),
    ],
)
def test_text_types_are_those_in_utf_8(content_type, kind, text):
    assert is_text(content_type) is text
    request = request_of("ü".encode(), content_type)
    assert (request.content_type, request.raw_body) == (kind, "ü" if text else "")


@given(st.text(), ENCODABLE)
def test_any_content_type_can_be_read(content_type, body):
    assert request_of(body.encode(), content_type).raw_body == (body if is_text(content_type) else "")


def test_a_body_is_text_or_bytes():
    assert (ApiTriggerInput().raw_body, ApiTriggerInput().raw_body_bytes) == ("", b"")
    assert request_of("ü").raw_body_bytes == "ü".encode()
    both = ApiTriggerInput(raw_body="text", raw_body_bytes=b"bytes")
    assert (both.raw_body, both.raw_body_bytes) == ("text", b"bytes")
    refused(lambda: request_of(b"\xff" + SECRET.encode(), "text/plain").raw_body)


def test_a_large_binary_body_is_not_copied():
    body = bytes(29 * 1024 * 1024)
    tracemalloc.start()
    try:
        request = request_of(body, "application/octet-stream")
        assert (request.raw_body, request.raw_body_bytes is body) == ("", True)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_a_request_shows_neither_body_nor_headers():
    request = ApiTriggerInput(route="a", raw_body=SECRET, headers={"X-Key": SECRET}, parameters={"a": SECRET})
    assert "route='a'" in repr(request)
    assert SECRET not in repr(request)
    with pytest.raises(AttributeError):
        request.raw_body = "other"  # type: ignore[misc]


def test_a_context_knows_the_address_of_the_client():
    assert TriggerContext().client_address == ""
    assert ApiTriggerInput(context=TriggerContext("t", "r", "192.0.2.1")).context.client_address == "192.0.2.1"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ENCODABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ENCODABLE, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(JSON, st.booleans(), st.sampled_from([None, "application/json", "application/octet-stream"]))
def test_json_reads_what_was_sent(value, ascii_only, content_type):
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert request_of(text).json() == value
    assert request_of(text.encode(), content_type).json() == value


@settings(deadline=None)
@given(st.binary(max_size=40) | st.text('[]{}",:\\udc0N1e-tu', max_size=20).map(str.encode))
def test_any_bytes_are_json_or_are_refused(body):
    request = request_of(body)
    try:
        value = request.json()
    except ApiError:
        refused(request.json)
    else:
        assert value == json.loads(body)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "line 1, column 1"),
        (b"\xef\xbb\xbf{}", "line 1, column 1"),
        (b'{"a": 1,\n "hunter2"}', "line 2, column 11"),
        (b"{'hunter2': 1}", "line 1, column 2"),
        (b"[1] hunter2", "line 1, column 5"),
        (b'["hunter2\x01"]', "line 1, column 10"),
        ("{}".encode("utf-16"), ""),
        (b'"\xed\xa0\x80hunter2"', ""),
        (rb'"hunter2 \ud800"', "surrogate"),
        (rb'{"\uDFFF": "hunter2"}', "surrogate"),
        (b"[NaN]", "number"),
        (b"-Infinity", "number"),
        (b"1e400", "number"),
        (b"1" * 5000, "number"),
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 100_000, "nested"),
    ],
)
def test_what_is_no_json_is_refused(body, detail):
    assert detail in refused(request_of(body, "application/json").json).detail


def test_a_surrogate_pair_is_a_character():
    assert request_of(rb'["\ud83c\udfac", "\\ud800"]').json() == ["🎬", r"\ud800"]


@pytest.mark.parametrize("content_type", [None, FORM, f"{FORM}; charset=UTF-8", FORM.upper()])
def test_a_form_has_names_with_several_values(content_type):
    form = request_of(b"Body=Hi+there%21&a=1&a=&b&&=x&%C3%BC=\xc3\xbc&c=%zz%", content_type).form()
    assert form.keys() == ["Body", "a", "b", "", "ü", "c"]
    assert (form.get("Body"), form.get("body"), form.get("b"), form.get("")) == ("Hi there!", None, "", "x")
    assert form.get_all("a") == ["1", ""]
    assert (form.get("ü"), form.get("c")) == ("ü", "%zz%")
    assert len(request_of("", content_type).form()) == 0


@pytest.mark.parametrize("body", [b"a=%FF&b=hunter2", b"hunter2=\xff", b"%ED%A0%80=hunter2", b"a=%C3+%BC"])
def test_what_is_no_form_in_utf_8_is_refused(body):
    refused(request_of(body, FORM).form)


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data", f"{FORM}; charset=latin-1", "form"])
def test_a_body_of_another_type_is_no_form(content_type):
    assert "x-www-form-urlencoded" in refused(request_of(b"a=hunter2", content_type).form).detail


@given(st.lists(st.tuples(ENCODABLE, ENCODABLE), max_size=5))
def test_a_form_holds_what_was_sent(pairs):
    form = request_of(urllib.parse.urlencode(pairs), FORM).form()
    assert set(form) == {name for name, _ in pairs}
    assert all(form.get_all(name) == [value for other, value in pairs if other == name] for name, _ in pairs)


@given(st.lists(st.sampled_from([b"%", b"41", b"C3", b"bc", b"&", b"=", b"+", b";", b"\xc3\xbc", b"\xff", b"a"])))
def test_a_form_is_read_as_python_reads_it(pieces):
    body = b"".join(pieces)
    try:
        pairs = urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        refused(request_of(body, FORM).form)
    else:
        form = request_of(body, FORM).form()
        assert sorted((name, value) for name in form for value in form.get_all(name)) == sorted(pairs)


def test_json_has_no_number_that_is_not_finite():
    assert math.isfinite(request_of("1e308").json())
    assert request_of("1E-400").json() == 0
