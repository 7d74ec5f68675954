"""Which headers a script may set, and how they are sent."""

import json

from tests.endpoint.catalogue import assert_error
from tests.values import for_each


def test_added_and_set_headers_are_sent(answer):
    found = answer(
        "headers.add('X-A', '1'); headers.add('x-a', '2', '3');"
        "headers.set('X-B', 'old'); headers.set('x-b', 'new', 'er');"
        "headers.add('X-C', 'gone'); headers.set('X-C'); output.response_body = json.dumps(headers.as_dict())"
    )
    assert json.loads(found.content) == {"X-A": ["1", "2", "3"], "X-B": ["new", "er"]}
    sent = [field for field in found.fields if field[0].lower() in ("x-a", "x-b", "x-c")]
    assert sent == [("X-A", "1, 2, 3"), ("X-B", "new, er")]


@for_each(
    "name, value",
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


@for_each("name", sorted({*BLOCKED, *map(str.lower, BLOCKED), *map(str.upper, BLOCKED)}))
def test_blocked_headers_are_error_1012(answer, name):
    assert_error(answer(f"headers.add('X-A', 'b'); headers.add({name!r}, '0')"), 1012)


@for_each(
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
def test_invalid_header_names_are_error_1013(answer, name):
    assert_error(answer(f"headers.set({name!r}, 'x')"), 1013)


@for_each(
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
def test_invalid_header_values_are_error_1013(answer, value):
    assert_error(answer(f"headers.add('X-A', 'fine', {value!r})"), 1013)


def test_the_status_code_is_checked_before_the_headers(answer):
    assert_error(answer("output.response_code = 199; headers.set('Vary', 'x')"), 1002)


@for_each("value", ["1", "None", "b'x'", "['x']"])
def test_header_values_that_are_not_text_are_error_13(answer, value):
    assert_error(answer(f"headers.add('X-A', {value})"), 13)


@for_each("headers", ["None", "{}", "{'X-A': ['b']}", "[('X-A', 'b')]"])
def test_response_headers_of_another_type_are_error_13(answer, headers):
    assert_error(answer(f"output.response_headers = {headers}"), 13)
