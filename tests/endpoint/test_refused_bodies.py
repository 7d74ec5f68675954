"""Refused bodies: too large, broken off, not UTF-8. They cost no memory, and the connection stays in order."""

import contextlib
import itertools
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from tests.endpoint.catalogue import LARGEST_BODY, assert_error, code_of
from tests.endpoint.wire import Connection, chunked, exchange, head

TEXT = ("Content-Type", "text/plain")
CHUNKED = ("Transfer-Encoding", "chunked")
MEGABYTE = b"x" * 1_048_576


def post(api, *headers: tuple[str, str], path: str | None = None) -> bytes:
    return head("POST", path or api.path, *api.headers.items(), *headers)


# --- Broken off ---


@pytest.mark.parametrize("sent", [b"", b"12345", b"x" * 100_000])
def test_a_body_shorter_than_announced_is_error_1007(stack, publish, sent):
    with Connection(stack.url) as connection:
        connection.send(post(publish(), TEXT, ("Content-Length", "100001")), sent)
        connection.end_of_sending()
        assert_error(connection.answer(), 1007)
        assert connection.is_closed()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"5",
        b"5\r\n",
        b"5\r\n123",
        b"5\r\n12345",
        b"5\r\n12345\r\n",
        b"5\r\n12345\r\n0",
        b"5\r\n12345\r\n0\r\n",
        b"5\r\n12345\r\n0\r\nA: b",
    ],
)
def test_a_chunked_body_without_its_end_is_error_1007(stack, publish, sent):
    with Connection(stack.url) as connection:
        connection.send(post(publish(), TEXT, CHUNKED), sent)
        connection.end_of_sending()
        assert_error(connection.answer(), 1007)
        assert connection.is_closed()


@pytest.mark.parametrize(
    "sent",
    [
        b"x\r\n",
        b"-5\r\n12345\r\n",
        b"5\r\n123456\r\n0\r\n\r\n",
        b"\r\n",
        b"5 5\r\n12345\r\n0\r\n\r\n",
        b"x" * 20_000,
        b"0\r\nA b: c\r\n\r\n",
        b"5\r\n12345\r\n0\r\nAuthorization: Bearer x\r\n\r\n",
        b"ffffffffffffffffffff\r\n12345",
    ],
)
def test_malformed_chunks_are_error_1007(stack, publish, sent):
    with Connection(stack.url) as connection:
        connection.send(post(publish(), TEXT, CHUNKED), sent)
        connection.end_of_sending()
        assert_error(connection.answer(), 1007)
        assert connection.is_closed()


def test_a_client_that_vanishes_while_sending_does_no_harm(stack, publish):
    api = publish()
    for framing in (("Content-Length", "1000000"), CHUNKED):
        with Connection(stack.url) as connection:
            connection.send(post(api, TEXT, framing), b"5\r\n123")
    assert api.call(stack.client).status_code == 200


@pytest.mark.parametrize("framing", [("Content-Length", "1000"), CHUNKED])
def test_a_body_that_trickles_in_is_given_up(lonely, publish, framing):
    """No single byte is late, but together they take longer than a body may."""
    api = publish()
    with Connection(lonely.url) as connection:
        begun = time.monotonic()
        connection.send(post(api, TEXT, framing), b"3e8\r\n" if framing == CHUNKED else b"")
        with ThreadPoolExecutor(1) as client:
            client.submit(_trickle, connection)
            assert_error(connection.answer(), 1007)
        assert 2 <= time.monotonic() - begun < 5
        assert connection.is_closed()


def _trickle(connection: Connection) -> None:
    with contextlib.suppress(OSError):
        for _ in range(30):
            connection.send(b"x")
            time.sleep(0.2)


def test_a_broken_off_body_runs_nothing(stack, publish, kept):
    mark = kept / "mark"
    api = publish(f"def on_api_trigger(e, r): open({str(mark)!r}, 'w')")
    with Connection(stack.url) as connection:
        connection.send(post(api, TEXT, ("Content-Length", "9")), b"1234")
        connection.end_of_sending()
        assert_error(connection.answer(), 1007)
    assert not mark.exists()
    api.call(stack.client)
    assert mark.exists()


@pytest.mark.parametrize(
    "sent",
    [
        b"\xff",
        b"\xc3",
        b"a\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc0\xaf",
        b"\x00\xd8",
        b"x" * 70_000 + b"\xe2\x82",
    ],
)
@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "text/xml; charset=utf-8"])
def test_a_body_that_is_not_utf_8_is_error_1007(stack, publish, sent, content_type):
    headers = {"Content-Type": content_type}
    api = publish()
    assert_error(api.call(stack.client, content=sent, headers=headers), 1007)
    assert_error(api.call(stack.client, content=iter([sent[:1], sent[1:]]), headers=headers), 1007)


def test_a_character_may_be_split_over_chunks(stack, publish):
    content = "é€🎬".encode()
    sent = (bytes([byte]) for byte in content)
    assert publish().call(stack.client, content=sent, headers=dict([TEXT])).content == content


# --- Too large ---


def test_an_announced_body_is_refused_before_it_is_read(stack, publish):
    with Connection(stack.url) as connection:
        begun = time.monotonic()
        connection.send(post(publish(), TEXT, ("Content-Length", str(2**40))))
        assert_error(connection.answer(), 1009)
        assert time.monotonic() - begun < 5


def test_a_chunked_body_without_end_is_refused_at_30_mb(stack, publish):
    sent = 0

    def endless():
        nonlocal sent
        while sent < 10 * LARGEST_BODY:
            sent += len(MEGABYTE)
            yield MEGABYTE

    api = publish()
    assert_error(httpx.post(stack.url + api.path, content=endless(), headers=api.headers | dict([TEXT])), 1009)
    assert LARGEST_BODY < sent < 5 * LARGEST_BODY


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("attempt", range(5))
def test_httpx_gets_to_see_that_31_mb_are_too_large(stack, publish, is_chunked, attempt):
    sent = itertools.repeat(MEGABYTE, 31) if is_chunked else MEGABYTE * 31
    api = publish()
    assert_error(httpx.post(stack.url + api.path, content=sent, headers=api.headers | dict([TEXT])), 1009)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("framing", [["-H", "Transfer-Encoding: chunked"], [], ["-H", "Expect:"]])
def test_curl_gets_to_see_that_31_mb_are_too_large(stack, publish, tmp_path, framing):
    api = publish()
    file = tmp_path / "body"
    file.write_bytes(MEGABYTE * 31)
    headers = ["-H", f"Authorization: Bearer {api.secret}", "-H", "Content-Type: text/plain"]
    command = ["curl", "-sS", "-w", "%{http_code}", "-o", tmp_path / "answer", *headers, *framing]
    for _ in range(3):
        target = ["--data-binary", f"@{file}", stack.url + api.path]
        ran = subprocess.run([*command, *target], capture_output=True, text=True)
        assert ran.stdout == "413", ran.stderr
        assert (tmp_path / "answer").read_text().endswith('"errorCode": 1009}]}')


def test_refused_bodies_cost_no_memory(lonely, publish):
    """One process. Keeping the bodies would take 20 times 30 MB; what malloc keeps for the next one is less."""
    api = publish()
    headers = api.headers | dict([TEXT])
    (process,) = psutil.Process(lonely.web.process.pid).children()

    def refuse(times: int) -> None:
        for _ in range(times):
            content = itertools.repeat(MEGABYTE, 31)
            assert_error(httpx.post(lonely.url + api.path, content=content, headers=headers), 1009)
            announced = post(api, TEXT, ("Content-Length", str(31 * len(MEGABYTE))))
            assert_error(exchange(lonely.url, announced, MEGABYTE), 1009)

    refuse(6)
    before = process.memory_info().rss
    refuse(20)
    assert process.memory_info().rss - before < 5 * LARGEST_BODY


# --- What comes after ---


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (415, [("Content-Type", "image/png")], b"x" * 1_000),
        (404, [("X-Path", "/api/custom/nobody"), TEXT], b"x" * 1_000),
        (401, [("Authorization", "Basic x"), TEXT], b"x" * 1_000),
        (500, [TEXT], b"\xff" * 1_000),
    ],
)
def test_an_unread_body_is_not_taken_for_the_next_request(stack, publish, status, headers, body):
    api = publish()
    smuggled = head("GET", "/api/custom") + body
    others = [(name, value) for name, value in headers if name != "X-Path"]
    target = dict(headers).get("X-Path", api.path)
    authorization = [] if "Authorization" in dict(headers) else list(api.headers.items())
    for framing, sent in ((("Content-Length", str(len(smuggled))), smuggled), (CHUNKED, chunked([smuggled]))):
        with Connection(stack.url) as connection:
            connection.send(head("POST", target, *authorization, *others, framing), sent)
            answer = connection.answer()
            assert answer.status_code == status
            if answer.headers["Connection"] == "close":
                assert connection.is_closed()
                continue
            connection.send(post(api, TEXT, ("Content-Length", "5")), b"after")
            assert connection.answer().content == b"after"


@pytest.mark.parametrize("framing", [("Content-Length", str(LARGEST_BODY + 1)), CHUNKED])
def test_a_connection_with_more_than_can_be_drained_is_closed(stack, publish, framing):
    with Connection(stack.url) as connection:
        connection.send(post(publish(), ("Content-Type", "image/png"), framing))
        with ThreadPoolExecutor(1) as client:
            client.submit(_send_all, connection)
            assert code_of(connection.answer()) in (1009, 1003)
            assert connection.is_closed()


def _send_all(connection: Connection) -> None:
    with contextlib.suppress(OSError):
        for _ in range(200):
            connection.send(chunked([MEGABYTE], end=b""))


def test_pipelined_requests_are_answered_in_order(stack, publish):
    api = publish()
    requests = [post(api, TEXT, ("Content-Length", "1")) + str(number).encode() for number in range(5)]
    with Connection(stack.url) as connection:
        connection.send(b"".join(requests))
        assert [connection.answer().content for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]


def test_expect_100_continue_is_answered(stack, publish):
    api = publish()
    with Connection(stack.url) as connection:
        connection.send(post(api, TEXT, ("Content-Length", "2"), ("Expect", "100-continue")))
        assert connection.answer().status_line == "HTTP/1.1 100 Continue"
        connection.send(b"ok")
        assert connection.answer().content == b"ok"
