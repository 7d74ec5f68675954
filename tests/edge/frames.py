"""Malformed and ambiguous requests, most of them with a second request hidden inside."""

from collections.abc import Callable
from dataclasses import dataclass

from testbed.publisher import Api

# Refused: a 4xx or a closed connection. Taken: one answer, the doubtful part has no effect. Either of them: open.
REFUSED, TAKEN, OPEN = "refused", "taken", "open"


@dataclass(frozen=True)
class OddRequest:
    """`make` builds the bytes from the head of a good request (without its end) and a hidden request.

    Where `ends_for_nginx`, nginx takes a bare LF for the end of a line: what follows is openly a second request then.
    """

    name: str
    expected: str
    make: Callable[[bytes, bytes], bytes]
    ends_for_nginx: bool = False


def head(api: Api, marker: str, method: str = "POST", target: str = "") -> bytes:
    """A good request that runs with `marker` in its query, its blank line still missing."""
    lines = [
        f"{method} {target or api.path}?mark={marker} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {api.secret}",
        "Content-Type: text/plain",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()


def hidden(api: Api, marker: str) -> bytes:
    """The request that must never run."""
    return head(api, marker, "GET") + b"\r\n"


def _headers(*lines: bytes, body: bytes = b"") -> Callable[[bytes, bytes], bytes]:
    return lambda start, _: start + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def _around(*lines: bytes, before: bytes = b"", after: bytes = b"") -> Callable[[bytes, bytes], bytes]:
    """Headers, and the hidden request between `before` and `after` as the body."""
    return lambda start, inner: start + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + before + inner + after


def _line(old: bytes, new: bytes) -> Callable[[bytes, bytes], bytes]:
    return lambda start, inner: start.replace(old, new, 1) + b"Content-Length: 0\r\n\r\n"


LENGTH, CHUNKED = b"Content-Length: ", b"Transfer-Encoding: chunked"
END = b"0\r\n\r\n"

FRAMES = [
    OddRequest("two lengths", REFUSED, _around(LENGTH + b"0", LENGTH + b"5")),
    OddRequest("two equal lengths", REFUSED, _headers(LENGTH + b"2", LENGTH + b"2", body=b"{}")),
    OddRequest("a list of lengths", REFUSED, _around(LENGTH + b"0, 5")),
    OddRequest("a negative length", REFUSED, _around(LENGTH + b"-1")),
    OddRequest("a length with a plus", REFUSED, _around(LENGTH + b"+0")),
    OddRequest("a hexadecimal length", REFUSED, _around(LENGTH + b"0x0")),
    OddRequest("a length with an underscore", REFUSED, _around(LENGTH + b"1_0")),
    OddRequest("length and chunked", REFUSED, _around(LENGTH + b"5", CHUNKED, before=END)),
    OddRequest("chunked and length", REFUSED, _around(CHUNKED, LENGTH + b"5", before=END)),
    OddRequest("chunked twice", REFUSED, _around(b"Transfer-Encoding: chunked, chunked", before=END)),
    OddRequest("two transfer encodings", REFUSED, _around(CHUNKED, b"Transfer-Encoding: identity", before=END)),
    OddRequest("an unknown transfer encoding", REFUSED, _around(b"Transfer-Encoding: xchunked", before=END)),
    OddRequest("chunked before another coding", REFUSED, _around(b"Transfer-Encoding: chunked, gzip", before=END)),
    OddRequest("a transfer encoding in quotes", REFUSED, _around(b'Transfer-Encoding: "chunked"', before=END)),
    OddRequest("a space before the colon", REFUSED, _around(b"Transfer-Encoding : chunked", before=END)),
    OddRequest("a length with a space before the colon", REFUSED, _around(b"Content-Length : 5")),
    OddRequest("a vertical tab in the coding", REFUSED, _around(b"Transfer-Encoding: \x0bchunked", before=END)),
    OddRequest(
        "chunked in HTTP/1.0",
        REFUSED,
        lambda start, inner: start.replace(b"/1.1", b"/1.0") + CHUNKED + b"\r\n\r\n" + END + inner,
    ),
    OddRequest("a bad chunk size", REFUSED, _around(CHUNKED, before=b"x\r\n")),
    OddRequest("a negative chunk size", REFUSED, _around(CHUNKED, before=b"-1\r\n")),
    OddRequest("a chunk size in 0x form", REFUSED, _around(CHUNKED, before=b"0x1\r\na\r\n", after=END)),
    OddRequest("a chunk longer than it says", REFUSED, _around(CHUNKED, before=b"1\r\nab\r\n", after=END)),
    OddRequest("a chunk without its line end", REFUSED, _around(CHUNKED, before=b"1\r\na0\r\n\r\n")),
    OddRequest(
        "a chunk that ends with a bare LF", REFUSED, _around(CHUNKED, before=b"1\na\n0\n\n"), ends_for_nginx=True
    ),
    OddRequest("a huge chunk size", REFUSED, _around(CHUNKED, before=b"f" * 17 + b"\r\n")),
    OddRequest(
        "a huge chunk extension", REFUSED, _around(CHUNKED, before=b"1;" + b"a" * 100_000 + b"\r\nx\r\n", after=END)
    ),
    OddRequest("a bare LF in a chunk extension", REFUSED, _around(CHUNKED, before=b"1;a\nb\r\nx\r\n", after=END)),
    OddRequest("a length in a trailer", REFUSED, _headers(CHUNKED, body=b"0\r\nContent-Length: 5\r\n\r\n")),
    OddRequest(
        "bare LF line ends",
        REFUSED,
        lambda start, inner: start.replace(b"\r\n", b"\n") + b"\n" + inner,
        ends_for_nginx=True,
    ),
    OddRequest("one bare LF", REFUSED, _headers(b"X-A: b\nX-B: c")),
    OddRequest("a bare CR in a header", REFUSED, _headers(b"X-A: b\rX-B: c")),
    OddRequest("a folded header", REFUSED, _headers(b"X-A: b", b" Transfer-Encoding: chunked")),
    OddRequest("a folded first header", REFUSED, _line(b"Host:", b" Host:")),
    OddRequest("a NUL in a header", REFUSED, _headers(b"X-A: b\x00c")),
    OddRequest("a NUL in the path", REFUSED, _line(b"/api/custom/", b"/api/custom/\x00")),
    OddRequest("a header without a colon", REFUSED, _headers(b"nonsense")),
    OddRequest("a header without a name", REFUSED, _headers(b": x")),
    OddRequest(
        "an underscore instead of a hyphen", TAKEN, _headers(b"Content_Length: 5", b"Transfer_Encoding: chunked")
    ),
    OddRequest("a header of 100,000 bytes", REFUSED, _headers(b"X-A: " + b"a" * 100_000)),
    OddRequest("a thousand headers", REFUSED, _headers(*[b"X-A: b"] * 1_000)),
    OddRequest("a request line of 100,000 bytes", REFUSED, _line(b"?mark", b"?" + b"a" * 100_000 + b"&mark")),
    OddRequest("two hosts", REFUSED, _headers(b"Host: evil.example")),
    OddRequest("another host in an absolute target", OPEN, _line(b"/api/custom/", b"http://evil.example/api/custom/")),
    OddRequest("a target without a slash", REFUSED, _line(b" /api", b" api")),
    OddRequest("a space in the target", REFUSED, _line(b"/api/custom/", b"/api/custom/ x/")),
    OddRequest("HTTP/2.0", REFUSED, _line(b"HTTP/1.1", b"HTTP/2.0")),
    OddRequest("HTTP/0.9", REFUSED, lambda start, inner: start.partition(b" HTTP/1.1")[0] + b"\r\n\r\n" + inner),
    OddRequest("no version", REFUSED, _line(b" HTTP/1.1", b"")),
    OddRequest("a method in small letters", REFUSED, _line(b"POST", b"post")),
    OddRequest("the preface of HTTP/2", REFUSED, lambda start, inner: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + inner),
    OddRequest("a TLS greeting", REFUSED, lambda start, inner: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + inner),
    OddRequest(
        "the PROXY protocol", REFUSED, lambda start, inner: b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n" + start + b"\r\n"
    ),
    OddRequest("an unknown expectation", REFUSED, _headers(b"Expect: the unexpected", LENGTH + b"0")),
    OddRequest(
        "an upgrade to HTTP/2",
        TAKEN,
        _headers(
            b"Upgrade: h2c",
            b"Connection: Upgrade, HTTP2-Settings",
            b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
            LENGTH + b"0",
        ),
    ),
    OddRequest(
        "the length named as hop-by-hop",
        TAKEN,
        _headers(b"Connection: close, Content-Length", LENGTH + b"2", body=b"{}"),
    ),
]
