"""The end of a connection: the answer announces it, and closing one connection delays no other client."""

import itertools
import time

import pytest

from tests.endpoint.catalogue import LARGEST_BODY, assert_error
from tests.endpoint.wire import Connection, chunked, head

MEGABYTE = b"x" * 1_048_576
PICTURE = ("Content-Type", "image/png")


def test_clients_that_keep_their_end_open_keep_nobody_out(lonely):
    """A gunicorn with one process: its main thread is the only one that accepts."""
    held: list[Connection] = []
    begun = time.monotonic()
    try:
        for _ in range(4):
            held.append(Connection(lonely.url))
            held[-1].send(head("GET", "/api/custom", ("Connection", "close")))
            assert_error(held[-1].answer(), 1)
        assert_error(lonely.client.get("/api/custom"), 1)
        assert time.monotonic() - begun < 6, "each of them would be waited for for two seconds"
    finally:
        for connection in held:
            connection.socket.close()


@pytest.mark.parametrize(
    ("code", "framing", "sent"),
    [
        (1009, ("Content-Length", str(LARGEST_BODY + 1)), b""),
        (1003, ("Content-Length", "100000"), b"x" * 70_000),
        (1003, ("Transfer-Encoding", "chunked"), chunked([MEGABYTE], end=b"")),
    ],
)
def test_an_answer_to_an_unread_body_announces_the_end(stack, publish, code, framing, sent):
    api = publish()
    with Connection(stack.url) as connection:
        connection.send(head("POST", api.path, *api.headers.items(), PICTURE, framing), sent)
        answer = connection.answer()
        assert_error(answer, code)
        assert answer.headers["Connection"] == "close"
        assert connection.is_closed()


def test_a_client_with_a_pool_is_not_left_with_a_dead_connection(stack, publish):
    api = publish()
    text, picture = {"Content-Type": "text/plain"}, {"Content-Type": "image/png"}
    for _ in range(10):
        assert_error(api.call(stack.client, content=itertools.repeat(MEGABYTE, 31), headers=text), 1009)
        assert_error(api.call(stack.client, content=MEGABYTE, headers=picture), 1003)
