"""Malformed and ambiguous requests, most of them with a second request hidden inside."""

from collections.abc import Callable
from dataclasses import dataclass

from testbed.publishing import Api

# Refused: a 4xx or a closed connection. Taken: one answer, the doubtful part has no effect. Either of them: open.
REFUSED, TAKEN, OPEN = "refused", "taken", "open"


@dataclass(frozen=True)
class Frame:
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
    Frame("two lengths", REFUSED, _around(LENGTH + b"0", LENGTH + b"5")),
    Frame("two equal lengths", REFUSED, _headers(LENGTH + b"2", LENGTH + b"2", body=b"{}")),
    Frame("a list of lengths", REFUSED, _around(LENGTH + b"0, 5")),
    Frame("a negative length", REFUSED, _around(LENGTH + b"-1")),
    Frame("a length with a plus", REFUSED, _around(LENGTH + b"+0")),
    Frame("a hexadecimal length", REFUSED, _around(LENGTH + b"0x0")),
    Frame("a length with an underscore", REFUSED, _around(LENGTH + b"1_0")),
    Frame("length and chunked", REFUSED, _around(LENGTH + b"5", CHUNKED, before=END)),
    Frame("chunked and length", REFUSED, _around(CHUNKED, LENGTH + b"5", before=END)),
    Frame("chunked twice", REFUSED, _around(b"Transfer-Encoding: chunked, chunked", before=END)),
    Frame("two transfer encodings", REFUSED, _around(CHUNKED, b"Transfer-Encoding: identity", before=END)),
    Frame("an unknown transfer encoding", REFUSED, _around(b"Transfer-Encoding: xchunked", before=END)),
    Frame("chunked before another coding", REFUSED, _around(b"Transfer-Encoding: chunked, gzip", before=END)),
    Frame("a transfer encoding in quotes", REFUSED, _around(b'Transfer-Encoding: "chunked"', before=END)),
    Frame("a space before the colon", REFUSED, _around(b"Transfer-Encoding : chunked", before=END)),
    Frame("a length with a space before the colon", REFUSED, _around(b"Content-Length : 5")),
    Frame("a vertical tab in the coding", REFUSED, _around(b"Transfer-Encoding: \x0bchunked", before=END)),
    Frame(
        "chunked in HTTP/1.0",
        REFUSED,
        lambda start, inner: start.replace(b"/1.1", b"/1.0") + CHUNKED + b"\r\n\r\n" + END + inner,
    ),
    Frame("a bad chunk size", REFUSED, _around(CHUNKED, before=b"x\r\n")),
    Frame("a negative chunk size", REFUSED, _around(CHUNKED, before=b"-1\r\n")),
    Frame("a chunk size in 0x form", REFUSED, _around(CHUNKED, before=b"0x1\r\na\r\n", after=END)),
    Frame("a chunk longer than it says", REFUSED, _around(CHUNKED, before=b"1\r\nab\r\n", after=END)),
    Frame("a chunk without its line end", REFUSED, _around(CHUNKED, before=b"1\r\na0\r\n\r\n")),
    Frame("a chunk that ends with a bare LF", REFUSED, _around(CHUNKED, before=b"1\na\n0\n\n"), ends_for_nginx=True),
    Frame("a huge chunk size", REFUSED, _around(CHUNKED, before=b"f" * 17 + b"\r\n")),
    Frame("a huge chunk extension", REFUSED, _around(CHUNKED, before=b"1;" + b"a" * 100_000 + b"\r\nx\r\n", after=END)),
    Frame("a bare LF in a chunk extension", REFUSED, _around(CHUNKED, before=b"1;a\nb\r\nx\r\n", after=END)),
    Frame("a length in a trailer", REFUSED, _headers(CHUNKED, body=b"0\r\nContent-Length: 5\r\n\r\n")),
    Frame(
        "bare LF line ends",
        REFUSED,
        lambda start, inner: start.replace(b"\r\n", b"\n") + b"\n" + inner,
        ends_for_nginx=True,
    ),
    Frame("one bare LF", REFUSED, _headers(b"X-A: b\nX-B: c")),
    Frame("a bare CR in a header", REFUSED, _headers(b"X-A: b\rX-B: c")),
    Frame("a folded header", REFUSED, _headers(b"X-A: b", b" Transfer-Encoding: chunked")),
    Frame("a folded first header", REFUSED, _line(b"Host:", b" Host:")),
    Frame("a NUL in a header", REFUSED, _headers(b"X-A: b\x00c")),
    Frame("a NUL in the path", REFUSED, _line(b"/api/custom/", b"/api/custom/\x00")),
    Frame("a header without a colon", REFUSED, _headers(b"nonsense")),
    Frame("a header without a name", REFUSED, _headers(b": x")),
    Frame("an underscore instead of a hyphen", TAKEN, _headers(b"Content_Length: 5", b"Transfer_Encoding: chunked")),
    Frame("a header of 100,000 bytes", REFUSED, _headers(b"X-A: " + b"a" * 100_000)),
    Frame("a thousand headers", REFUSED, _headers(*[b"X-A: b"] * 1_000)),
    Frame("a request line of 100,000 bytes", REFUSED, _line(b"?mark", b"?" + b"a" * 100_000 + b"&mark")),
    Frame("two hosts", REFUSED, _headers(b"Host: evil.example")),
    Frame("another host in an absolute target", OPEN, _line(b"/api/custom/", b"http://evil.example/api/custom/")),
    Frame("a target without a slash", REFUSED, _line(b" /api", b" api")),
    Frame("a space in the target", REFUSED, _line(b"/api/custom/", b"/api/custom/ x/")),
    Frame("HTTP/2.0", REFUSED, _line(b"HTTP/1.1", b"HTTP/2.0")),
    Frame("HTTP/0.9", REFUSED, lambda start, inner: start.partition(b" HTTP/1.1")[0] + b"\r\n\r\n" + inner),
    Frame("no version", REFUSED, _line(b" HTTP/1.1", b"")),
    Frame("a method in small letters", REFUSED, _line(b"POST", b"post")),
    Frame("the preface of HTTP/2", REFUSED, lambda start, inner: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + inner),
    Frame("a TLS greeting", REFUSED, lambda start, inner: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + inner),
    Frame("the PROXY protocol", REFUSED, lambda start, inner: b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n" + start + b"\r\n"),
    Frame("an unknown expectation", REFUSED, _headers(b"Expect: the unexpected", LENGTH + b"0")),
    Frame(
        "an upgrade to HTTP/2",
        TAKEN,
        _headers(
            b"Upgrade: h2c",
            b"Connection: Upgrade, HTTP2-Settings",
            b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
            LENGTH + b"0",
        ),
    ),
    Frame(
        "the length named as hop-by-hop",
        TAKEN,
        _headers(b"Connection: close, Content-Length", LENGTH + b"2", body=b"{}"),
    ),
]
