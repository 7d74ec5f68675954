"""The headers of a request: who calls, the type of the body, and headers without a meaning."""

from tests.endpoint.catalogue import assert_error
from tests.endpoint.wire import chunked, exchange, head
from tests.values import for_each

JSON = ("Content-Type", "application/json")
CHUNKED = ("Transfer-Encoding", "chunked")


@for_each("scheme", ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer  ", " Bearer"])
@for_each("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_the_bearer_scheme_is_accepted_in_any_case(stack, echo, scheme, name):
    assert exchange(stack.url, head("GET", echo.path, (name, f"{scheme} {echo.secret} "))).status_code == 200


@for_each(
    "authorization",
    [
        [],
        [""],
        ["Basic {secret}"],
        ["Token {secret}"],
        ["{secret}"],
        ["Bearer{secret}"],
        ["Bearer\t{secret}"],
        ["Bearer: {secret}"],
        ["Bearer={secret}"],
        ["Bearer {secret}", "Bearer {secret}"],
        ["Bearer {secret}", ""],
        ["", "Bearer {secret}"],
        ["Bearer {secret}", "Basic dTpw"],
        ["Bearer {secret},"],
        ["Bearer {secret}, Basic dTpw"],
        ["Basic dTpw, Bearer {secret}"],
        [",Bearer {secret}"],
        ["B\xe9arer {secret}"],
    ],
)
def test_an_unusable_authorization_header_is_error_1008(stack, echo, authorization):
    headers = [("Authorization", value.format(secret=echo.secret)) for value in authorization]
    assert_error(exchange(stack.url, head("GET", echo.path, *headers)), 1008)


@for_each(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "bearer",
        "Bearer x",
        "Bearer {secret}x",
        "Bearer {secret} x",
        "Bearer Bearer {secret}",
        'Bearer "{secret}"',
        "Bearer token={secret}",
        "Bearer {secret}\xa0",
        "Bearer \x85{secret}",
        "Bearer \xa0{secret}",
        "Bearer " + "x" * 513,
    ],
)
def test_an_empty_or_invalid_secret_is_error_1010(stack, echo, authorization):
    answer = exchange(stack.url, head("GET", echo.path, ("Authorization", authorization.format(secret=echo.secret))))
    assert_error(answer, 1010)


@for_each("length", [32, 512])
def test_own_secrets_of_every_length_are_accepted(stack, publish, length):
    api = publish(token=publish.token(("aZ09_-.=+/" * 52)[:length]))
    assert api.call(stack.client).status_code == 200


def test_the_case_of_a_secret_counts(stack, publish):
    api = publish(token=publish.token("a" * 40))
    assert_error(api.call(stack.client, headers={"Authorization": "Bearer " + "A" * 40}), 1010)


def test_a_secret_outside_the_header_is_ignored(stack, echo):
    secret = echo.secret
    bearer = f"Bearer {secret}"
    target = f"{echo.path}?access_token={secret}&token={secret}&Authorization=Bearer+{secret}"
    headers = [
        ("Cookie", f"Authorization={secret}; token={secret}; sessionid={secret}"),
        ("X-Api-Key", secret),
        ("X-Authorization", bearer),
        ("Proxy-Authorization", bearer),
        ("Authorization_", bearer),
    ]
    assert_error(exchange(stack.url, head("GET", target, *headers)), 1008)


@for_each(
    "headers",
    [
        [("Cookie", "sessionid=x; csrftoken=y")],
        [("Origin", "https://example.com")],
        [("Referer", "x")],
        [("User-Agent", "")],
        [("X-Forwarded-Host", "evil.example")],
        [("X-Forwarded-Proto", "https")],
        [("If-None-Match", "*")],
        [("If-Modified-Since", "Sat, 01 Jan 2028 00:00:00 GMT")],
        [("Range", "bytes=0-0")],
        [("Accept-Encoding", "gzip, br")],
        [("Script-Name", "/api")],
        [("Upgrade", "h2c"), ("Connection", "Upgrade")],
    ],
)
def test_other_headers_change_nothing(stack, echo, headers):
    request = head("POST", echo.path, *echo.headers.items(), *headers, JSON, ("Content-Length", "7"))
    answer = exchange(stack.url, request, b'{"a":1}')
    assert (answer.status_code, answer.content) == (200, b'{"a":1}')
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


@for_each(
    "accept",
    ["text/html", "image/png", "application/xml;q=1", "*/*;q=0", "nonsense", "application/json; indent=8", "", ",;,="],
)
@for_each("query", ["", "?format=api", "?format=nothing"])
def test_nothing_is_negotiated(stack, echo, accept, query):
    ok = exchange(stack.url, head("GET", echo.path + query, *echo.headers.items(), ("Accept", accept)))
    assert (ok.status_code, ok.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    nobody = head("GET", "/api/custom/nobody" + query, *echo.headers.items(), ("Accept", accept))
    assert_error(exchange(stack.url, nobody), 5)


@for_each("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST", "localhost:1234", "localhost."])
def test_allowed_hosts_are_accepted(stack, echo, host):
    assert exchange(stack.url, head("GET", echo.path, ("Host", host), *echo.headers.items())).status_code == 200


@for_each("host", ["evil.example", "localhost.evil.example", "evil.example:80", "a b", "", "127.0.0.2", "<script>"])
@for_each("path", ["/api/custom/x", "/api/custom", "/"])
def test_another_host_gets_400_without_a_body(stack, host, path):
    answer = exchange(stack.url, head("GET", path, ("Host", host)))
    assert (answer.status_code, answer.content) == (400, b"")


@for_each(
    "content_type",
    [
        "application/json",
        "application/xml",
        "text/xml",
        "text/plain",
        "TEXT/PLAIN",
        "Application/Json; Charset=UTF-8",
        "text/plain;charset=utf-8",
        'text/xml; charset="utf-8"',
        'text/xml; charset="UTF-8"',
        "text/plain ; charset=Utf-8",
        "application/json;",
        "application/json; version=1",
        "text/plain; format=flowed; charset=utf-8",
    ],
)
def test_supported_content_types_are_accepted(stack, echo, content_type):
    answer = echo.call(stack.client, content="é", headers={"Content-Type": content_type})
    assert (answer.status_code, answer.text) == (200, "é")


@for_each(
    "content_type",
    [
        None,
        "",
        "text/html",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/problem+json",
        "application/json-patch+json",
        "application/json5",
        "json",
        "application/*",
        "*/*",
        "application / json",
        "application/json, text/plain",
        ";application/json",
        "text/plain; charset=latin-1",
        "text/plain; charset=utf-16",
        "text/plain; charset=us-ascii",
        "text/plain; charset=",
        'text/plain; charset=""',
        "text/plain; charset=utf-8x",
        "text/plain; charset=\xe9",
        "text/plain; charset=" + "x" * 6_000,
        "text/\xe9",
        "x" * 8_000,
    ],
)
def test_other_content_types_are_error_1003(stack, echo, content_type):
    headers = [] if content_type is None else [("Content-Type", content_type)]
    for framing, body in ((("Content-Length", "2"), b"{}"), (CHUNKED, chunked([b"{}"]))):
        request = head("POST", echo.path, *echo.headers.items(), *headers, framing)
        assert_error(exchange(stack.url, request, body), 1003)


@for_each("content_type", [None, "image/png", "application/x-www-form-urlencoded", "text/plain; charset=latin-1", ""])
@for_each("framing, body", [([], b""), ([("Content-Length", "0")], b""), ([CHUNKED], chunked([]))])
def test_any_type_or_none_will_do_for_an_empty_body(stack, echo, content_type, framing, body):
    headers = [] if content_type is None else [("Content-Type", content_type)]
    answer = exchange(stack.url, head("POST", echo.path, *echo.headers.items(), *headers, *framing), body)
    assert (answer.status_code, answer.content) == (200, b"")


@for_each("encoding", ["gzip", "deflate", "br", "identity, gzip", "gzip, identity", "x", "chunked"])
@for_each("body", [b"", b"{}"])
def test_an_encoded_body_is_refused(stack, echo, encoding, body):
    answer = echo.call(stack.client, content=body, headers=dict([JSON]) | {"Content-Encoding": encoding})
    assert_error(answer, 1003)


@for_each("encoding", ["identity", "IDENTITY"])
def test_identity_is_no_encoding(stack, echo, encoding):
    answer = echo.call(stack.client, content=b"{}", headers=dict([JSON]) | {"Content-Encoding": encoding})
    assert answer.content == b"{}"


@for_each(
    "headers",
    [
        [("Content-Length", "x")],
        [("Content-Length", "-1")],
        [("Content-Length", "+1")],
        [("Content-Length", "1_0")],
        [("Content-Length", "9" * 5_000)],
        [("Content-Length", "\xb2")],
        [("Content-Length", "2"), ("Content-Length", "3")],
        [("Content-Length", "2"), CHUNKED],
        [("Transfer-Encoding", "gzip")],
        [("Transfer-Encoding", "chunked, chunked")],
        [("Content-Type", "text/plain"), ("Content-Type", "image/png")],
        [("A b", "c")],
        [("A", "b\x00")],
        [("A", "x" * 9_000)],
        [("A", "x")] * 101,
        [("Expect", "the unexpected")],
    ],
)
def test_what_the_server_cannot_parse_gets_its_own_4xx_and_a_closed_connection(stack, echo, headers):
    answer = exchange(stack.url, head("POST", echo.path, *echo.headers.items(), *headers), b"{}")
    assert 400 <= answer.status_code < 500
    assert answer.headers["Connection"] == "close"


def test_a_length_beyond_every_number_is_too_large(stack, echo):
    request = head("POST", echo.path, *echo.headers.items(), ("Content-Length", "9" * 4_000))
    assert_error(exchange(stack.url, request), 1009)
