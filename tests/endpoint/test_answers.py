"""From what a script returns to what is sent: code, content type and body."""

from tests.endpoint.catalogue import assert_error
from tests.values import for_each


def test_echo_returns_the_body_it_was_sent(stack, publish):
    api = publish()
    answer = api.call(stack.client, content=b'{"a": 1}', headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.content) == (200, b'{"a": 1}')
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


def test_an_answer_has_exactly_these_header_fields(answer):
    found = answer("output.response_body = 'x'")
    assert found.status_line == "HTTP/1.1 200 OK"
    assert {name for name, _ in found.fields} == {
        "Server",
        "Date",
        "Connection",
        "Content-Type",
        "Content-Length",
        "X-Frame-Options",
        "X-Content-Type-Options",
        "Referrer-Policy",
        "Cross-Origin-Opener-Policy",
        "Content-Security-Policy",
        "Cross-Origin-Resource-Policy",
        "X-Trigger-Id",
    }


CLOSED = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cross-Origin-Resource-Policy": "same-origin"}


@for_each(
    "does",
    [
        "headers.set('Content-Type', 'text/html'); output.response_body = '<script>alert(1)</script>'",
        "output.response_body_bytes = b'x'",
        "output.response_code = 204",
        "raise ValueError",
    ],
)
def test_an_answer_is_closed_to_browsers_and_other_sites(answer, does):
    found = answer(does)
    assert {name: found.headers.get(name) for name in CLOSED} == CLOSED


def test_a_refusal_is_closed_to_browsers_and_other_sites(stack):
    found = stack.client.get("/api/custom/any")
    assert {name: found.headers.get(name) for name in CLOSED} == CLOSED


def test_a_script_may_open_its_answer(answer):
    found = answer(
        "headers.set('content-security-policy', \"default-src 'self'\");"
        "headers.set('Cross-Origin-Resource-Policy', 'cross-origin')"
    )
    assert found.headers["Content-Security-Policy"] == "default-src 'self'"
    assert found.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert len([name for name, _ in found.fields if name.lower() == "content-security-policy"]) == 1


# --- Codes ---


@for_each(
    "code", [200, 201, 202, 203, 206, 226, 299, 300, 302, 399, 400, 401, 404, 405, 418, 429, 451, 500, 503, 511, 599]
)
def test_allowed_status_codes_are_sent(answer, code):
    found = answer(f"output.response_code = {code}; output.response_body = 'x'")
    assert (found.status_code, found.content) == (code, b"x")
    assert "WWW-Authenticate" not in found.headers


NAMED = {"OK": 200, "CREATED": 201, "ACCEPTED": 202, "BAD_REQUEST": 400, "NOT_FOUND": 404, "METHOD_NOT_ALLOWED": 405}


@for_each("name, code", [*NAMED.items(), ("INTERNAL_SERVER_ERROR", 500)])
def test_named_status_codes_are_sent(answer, name, code):
    assert answer(f"output.response_code = StatusCode.{name}").status_code == code


@for_each("code", ["199", "600", "0", "-1", "100", "101", "103", "1000", "10**100", "-(10**100)"])
def test_status_codes_out_of_range_are_error_1002(answer, code):
    assert_error(answer(f"output.response_code = {code}"), 1002)


@for_each("code", ["True", "False", "None", "'200'", "200.0", "b'200'", "[200]"])
def test_status_codes_of_another_type_are_error_13(answer, code):
    assert_error(answer(f"output.response_code = {code}"), 13)


@for_each("code", [204, 304])
@for_each("body", ["output.response_body = 'x'", "output.response_body_bytes = b'x'", "pass"])
def test_answers_204_and_304_have_no_body(answer, code, body):
    found = answer(f"output.response_code = {code}; headers.set('X-A', 'b'); headers.set('ETag', '1'); {body}")
    assert (found.status_code, found.content) == (code, b"")
    assert (found.headers["X-A"], found.headers["ETag"]) == ("b", "1")
    assert not {"content-length", "transfer-encoding", "content-type"} & set(found.headers)


@for_each("code", [205, 404, 500])
def test_an_empty_body_has_the_length_0(answer, code):
    found = answer(f"output.response_code = {code}")
    assert (found.content, found.headers["Content-Length"]) == (b"", "0")


# --- Bodies and their type ---


@for_each(
    "does, content, content_type",
    [
        ("output.response_body = ''", b"", "application/json; charset=utf-8"),
        ("output.response_body = '{}'", b"{}", "application/json; charset=utf-8"),
        ("output.response_body = 'é€🎬'", "é€🎬".encode(), "application/json; charset=utf-8"),
        (r"output.response_body = '\ufeff\0\r\n'", b"\xef\xbb\xbf\0\r\n", "application/json; charset=utf-8"),
        ("output.response_body_bytes = b''", b"", "application/octet-stream"),
        (r"output.response_body_bytes = b'\xff\x00'", b"\xff\x00", "application/octet-stream"),
        (r"output.response_body = 'text'; output.response_body_bytes = b''", b"", "application/octet-stream"),
        (
            "output.response_body = 'text'; output.response_body_bytes = None",
            b"text",
            "application/json; charset=utf-8",
        ),
        ("headers.set('Content-Type', 'text/html')", b"", "text/html; charset=utf-8"),
        ("headers.set('content-type', 'TEXT/Html')", b"", "TEXT/Html; charset=utf-8"),
        ("headers.set('Content-Type', 'text/csv; header=present')", b"", "text/csv; header=present; charset=utf-8"),
        ("headers.set('Content-Type', 'text/html; charset=utf-8')", b"", "text/html; charset=utf-8"),
        ("headers.set('Content-Type', 'text/html; charset=latin-1')", b"", "text/html; charset=utf-8"),
        ("headers.set('Content-Type', 'text/html; Charset=UTF-16; a=b')", b"", "text/html; a=b; charset=utf-8"),
        ("headers.set('Content-Type', 'a/b; c=\"; charset=x\"; d=1')", b"", 'a/b; c="; charset=x"; d=1; charset=utf-8'),
        ("headers.set('Content-Type', 'text/html; charset=\"latin-1\"')", b"", "text/html; charset=utf-8"),
        ("headers.set('Content-Type', 'application/problem+json')", b"", "application/problem+json; charset=utf-8"),
        ("headers.set('Content-Type', 'image/png'); output.response_body_bytes = b''", b"", "image/png"),
        (
            "headers.set('Content-Type', 'text/plain; charset=latin-1'); output.response_body_bytes = b'\\xe9'",
            b"\xe9",
            "text/plain; charset=latin-1",
        ),
        ("headers.set('Content-Type')", b"", "application/json; charset=utf-8"),
        ("headers.set('Content-Type', '')", b"", "application/json; charset=utf-8"),
        ("headers.set('Content-Type', ' ')", b"", "application/json; charset=utf-8"),
        ("headers.set('Content-Type', ''); output.response_body_bytes = b''", b"", "application/octet-stream"),
    ],
)
def test_body_and_content_type_are_sent(answer, does, content, content_type):
    found = answer(does)
    assert (found.status_code, found.content) == (200, content)
    assert [value for name, value in found.fields if name.lower() == "content-type"] == [content_type]


@for_each(
    "content_type",
    [
        "nonsense",
        "a/b; c",
        ";",
        "; charset=x",
        "a/b; charset*=utf-8''x",
        "a/b; charset",
        'a/b; c="',
        "tëxt/é",
        "a/b;;;",
        "a/b, c/d",
        " ",
    ],
)
def test_odd_content_types_break_nothing(answer, content_type):
    found = answer(f"headers.set('Content-Type', {content_type!r}); output.response_body = 'x'")
    assert (found.status_code, found.content) == (200, b"x")
    assert "charset=utf-8" in found.headers["Content-Type"]


@for_each(
    "body",
    [
        "output.response_body = None",
        "output.response_body = b'x'",
        "output.response_body_bytes = 'x'",
        "output.response_body_bytes = bytearray(1)",
        r"output.response_body = '\ud800'",
        "output.response_body = 1",
    ],
)
def test_bodies_of_another_type_are_error_13(answer, body):
    assert_error(answer(body), 13)


@for_each("returned", ["None", "'x'", "{}", "200", "ApiTriggerOutput", "(200, 'x')", "engine", "request"])
def test_a_returned_value_that_is_no_output_is_error_13(stack, publish, returned):
    source = f"from automation.sdk import *\ndef on_api_trigger(engine, request): return {returned}"
    assert_error(publish(source).call(stack.client), 13)


def test_a_script_that_returns_nothing_is_error_13(stack, publish):
    assert_error(publish("def on_api_trigger(engine, request): pass").call(stack.client), 13)
    assert_error(publish("def on_api_trigger(engine, request): engine.exit_success()").call(stack.client), 13)
