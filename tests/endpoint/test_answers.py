"""From what a script returns to what goes over the wire: code, headers, content type, body."""

import json

import pytest

from tests.endpoint.catalogue import assert_error, assert_no_stranger
from tests.endpoint.wire import Answer, Connection, head

# The test says in the body what the script does with its output.
DOES = """
import json
from automation.sdk import *

def on_api_trigger(engine, request):
    output = ApiTriggerOutput()
    headers = output.response_headers
    exec(request.raw_body)
    return output
"""


@pytest.fixture
def answer(stack, publish):
    """The raw answer of a script that does `code` with its `output` and its `headers`."""
    api = publish(DOES)

    def ask(code: str) -> Answer:
        content = code.encode()
        framing = [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))]
        with Connection(stack.url) as connection:
            connection.send(head("POST", api.path, *api.headers.items(), *framing), content)
            found = connection.answer()
            # Whatever was answered, the connection is where the next request begins.
            connection.send(head("GET", "/api/custom"))
            assert_error(connection.answer(), 1)
        assert_no_stranger_unless_set(found, code)
        return found

    return ask


def assert_no_stranger_unless_set(found: Answer, code: str) -> None:
    if "Location" not in code:
        assert_no_stranger(found.headers)


def test_an_echo_goes_there_and_back(stack, publish):
    api = publish()
    answer = api.call(stack.client, content=b'{"a": 1}', headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.content) == (200, b'{"a": 1}')
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


def test_what_an_answer_consists_of(answer):
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
    }


CLOSED = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cross-Origin-Resource-Policy": "same-origin"}


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
    "code", [200, 201, 202, 203, 206, 226, 299, 300, 302, 399, 400, 401, 404, 405, 418, 429, 451, 500, 503, 511, 599]
)
def test_codes(answer, code):
    found = answer(f"output.response_code = {code}; output.response_body = 'x'")
    assert (found.status_code, found.content) == (code, b"x")
    assert "WWW-Authenticate" not in found.headers


NAMED = {"OK": 200, "CREATED": 201, "ACCEPTED": 202, "BAD_REQUEST": 400, "NOT_FOUND": 404, "METHOD_NOT_ALLOWED": 405}


@pytest.mark.parametrize(("name", "code"), [*NAMED.items(), ("INTERNAL_SERVER_ERROR", 500)])
def test_named_codes(answer, name, code):
    assert answer(f"output.response_code = StatusCode.{name}").status_code == code


@pytest.mark.parametrize("code", ["199", "600", "0", "-1", "100", "101", "103", "1000", "10**100", "-(10**100)"])
def test_codes_out_of_range(answer, code):
    assert_error(answer(f"output.response_code = {code}"), 1002)


@pytest.mark.parametrize("code", ["True", "False", "None", "'200'", "200.0", "b'200'", "[200]"])
def test_what_is_no_code(answer, code):
    assert_error(answer(f"output.response_code = {code}"), 13)


@pytest.mark.parametrize("code", [204, 304])
@pytest.mark.parametrize("body", ["output.response_body = 'x'", "output.response_body_bytes = b'x'", "pass"])
def test_without_a_body(answer, code, body):
    found = answer(f"output.response_code = {code}; headers.set('X-A', 'b'); headers.set('ETag', '1'); {body}")
    assert (found.status_code, found.content) == (code, b"")
    assert (found.headers["X-A"], found.headers["ETag"]) == ("b", "1")
    assert not {"content-length", "transfer-encoding", "content-type"} & set(found.headers)


@pytest.mark.parametrize("code", [205, 404, 500])
def test_an_empty_body(answer, code):
    found = answer(f"output.response_code = {code}")
    assert (found.content, found.headers["Content-Length"]) == (b"", "0")


# --- Bodies and their type ---


@pytest.mark.parametrize(
    ("does", "content", "content_type"),
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
def test_bodies_and_their_type(answer, does, content, content_type):
    found = answer(does)
    assert (found.status_code, found.content) == (200, content)
    assert [value for name, value in found.fields if name.lower() == "content-type"] == [content_type]


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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
def test_what_is_no_body(answer, body):
    assert_error(answer(body), 13)


# --- Headers ---


def test_headers_that_are_added_and_set(answer):
    found = answer(
        "headers.add('X-A', '1'); headers.add('x-a', '2', '3');"
        "headers.set('X-B', 'old'); headers.set('x-b', 'new', 'er');"
        "headers.add('X-C', 'gone'); headers.set('X-C'); output.response_body = json.dumps(headers.as_dict())"
    )
    assert json.loads(found.content) == {"X-A": ["1", "2", "3"], "X-B": ["new", "er"]}
    sent = [field for field in found.fields if field[0].lower() in ("x-a", "x-b", "x-c")]
    assert sent == [("X-A", "1, 2, 3"), ("X-B", "new, er")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Location", "https://example.com/x"),
        ("Cache-Control", "no-store"),
        ("ETag", '"x"'),
        ("Retry-After", "7"),
        ("Allow", "GET"),
        ("Content-Disposition", "attachment; filename=x"),
        ("Content-Encoding", "gzip"),
        ("Content-Language", "de"),
        ("Link", "</x>; rel=next"),
        ("X-Frame-Options", "SAMEORIGIN"),
        ("Referrer-Policy", "origin"),
        ("Accept", "x"),
        ("X-Latin", "Grüße\xa0ÿ"),
        ("X-Tab", "a\tb"),
        ("X-Long", "x" * 10_000),
        ("!#$%&'*+-.^_`|~09azAZ", "every sign of a token"),
        ("Variety", "like Vary, but not it"),
        ("Access-Controlled", "like the blocked ones, but not one"),
        ("X-Acceleration", "likewise"),
    ],
)
def test_headers_that_a_script_may_set(answer, name, value):
    found = answer(f"headers.set({name!r}, {value!r})")
    assert [content for field, content in found.fields if field == name] == [value]


BLOCKED = [
    *("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Max-Age", "access-control-"),
    *("ACCESS-CONTROL-X", "Vary", "Content-Length", "Set-Cookie", "WWW-Authenticate", "Proxy-Authenticate"),
    *("Transfer-Encoding", "Connection", "Upgrade", "Trailer", "TE", "Via", "Server", "Date"),
    *("Strict-Transport-Security", "X-Sendfile", "Alt-Svc", "Clear-Site-Data", "NEL", "Report-To"),
    *("Reporting-Endpoints", "X-Trigger-Id", "X-Accel-", "X-Accel-Redirect", "X-Accel-Expires", "X-Accel-Limit-Rate"),
    *("X-Accel-Buffering", "X-Accel-Charset", "X-Accel-Anything"),
]


@pytest.mark.parametrize("name", sorted({*BLOCKED, *map(str.lower, BLOCKED), *map(str.upper, BLOCKED)}))
def test_headers_that_it_may_not(answer, name):
    assert_error(answer(f"headers.add('X-A', 'b'); headers.add({name!r}, '0')"), 1012)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b",
        "a:",
        "a\n",
        "a\r\nSet-Cookie",
        "ä",
        "a\0",
        "(a)",
        "a/b",
        "a,b",
        "a;b",
        '"a"',
        "a\t",
        " Vary",
        "Vary ",
        "a\u2028",
        "Set-Cookie:",
    ],
)
def test_names_that_are_none(answer, name):
    assert_error(answer(f"headers.set({name!r}, 'x')"), 1013)


@pytest.mark.parametrize(
    "value",
    [
        "a\nb",
        "a\r\nSet-Cookie: b",
        "a\r",
        "\n",
        "a\0",
        "\x1b[31m",
        "\x7f",
        "\x80",
        "\x9f",
        "€",
        "🎬",
        "\u2028",
        "a\x0bb",
        "Ā",
        "x\n",
    ],
)
def test_values_that_are_none(answer, value):
    assert_error(answer(f"headers.add('X-A', 'fine', {value!r})"), 1013)


def test_the_code_is_judged_before_the_headers(answer):
    assert_error(answer("output.response_code = 199; headers.set('Vary', 'x')"), 1002)


@pytest.mark.parametrize("value", ["1", "None", "b'x'", "['x']"])
def test_values_that_are_no_text(answer, value):
    assert_error(answer(f"headers.add('X-A', {value})"), 13)


@pytest.mark.parametrize("headers", ["None", "{}", "{'X-A': ['b']}", "[('X-A', 'b')]"])
def test_what_are_no_headers(answer, headers):
    assert_error(answer(f"output.response_headers = {headers}"), 13)


@pytest.mark.parametrize(
    "returned", ["None", "'x'", "{}", "200", "ApiTriggerOutput", "(200, 'x')", "engine", "request"]
)
def test_what_is_no_output(stack, publish, returned):
    source = f"from automation.sdk import *\ndef on_api_trigger(engine, request): return {returned}"
    assert_error(publish(source).call(stack.client), 13)


def test_a_script_without_a_return(stack, publish):
    assert_error(publish("def on_api_trigger(engine, request): pass").call(stack.client), 13)
    assert_error(publish("def on_api_trigger(engine, request): engine.exit_success()").call(stack.client), 13)
