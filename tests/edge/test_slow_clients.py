"""Slow clients are given up, and lock no other client out."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from chaos.slow_connections import slow_connections, slowest
from tests.edge.conftest import SLOTS
from tests.edge.frames import head
from tests.endpoint.catalogue import assert_error
from tests.endpoint.wire import Connection


def test_a_head_that_trickles_in_is_given_up(gunicorn, publish):
    """No single byte is late, but together they take longer than the head of a request may."""
    with Connection(gunicorn.url) as connection:
        begun = time.monotonic()
        connection.send(head(publish(), "slow"))
        connection.socket.settimeout(0.5)
        answer = b""
        while time.monotonic() - begun < 30 and not answer:
            with contextlib.suppress(TimeoutError):
                connection.send(b"X-A: b\r\n")
                answer = connection.socket.recv(1_000)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert 8 < time.monotonic() - begun < 20


def test_slow_uploads_take_the_places_of_waiting_callers_and_no_more(small, publish):
    api = publish()
    with ExitStack() as uploads:
        for _ in range(SLOTS):
            connection = uploads.enter_context(Connection(small.url))
            connection.send(head(api, "slow") + b"Content-Length: 1000\r\n\r\nbegun")
        # A call before that would take the place of an upload.
        time.sleep(3)
        assert_error(api.call(small.client), 7)
        assert small.client.get("/console/login/").status_code == 200


def test_clients_that_call_without_a_pause_keep_nobody_out(small):
    """There are more of them than threads: a thread stays with its client only while no other client waits."""
    is_over = threading.Event()

    def call(address: httpx.URL) -> None:
        connection = http.client.HTTPConnection(address.host, address.port)
        while not is_over.is_set():
            connection.request("GET", "/api/custom/any")
            connection.getresponse().read()
        connection.close()

    with ThreadPoolExecutor(24) as callers:
        calls = [callers.submit(call, httpx.URL(small.url)) for _ in range(24)]
        try:
            time.sleep(1)
            for _ in range(5):
                with httpx.Client(timeout=30) as newcomer:
                    assert newcomer.get(f"{small.url}/console/login/").status_code == 200
        finally:
            is_over.set()
        for each in calls:
            each.result()


@contextmanager
def _silent(url: str, count: int) -> Iterator[None]:
    address = httpx.URL(url)
    with ExitStack() as connections:
        for _ in range(count):
            connections.enter_context(socket.create_connection((address.host, address.port or 80), timeout=20))
        yield


@pytest.mark.parametrize("keep", [_silent, slow_connections])
def test_hundreds_of_slow_connections_through_nginx_keep_nobody_out(nginx, publish, keep):
    api = publish()
    with keep(nginx.url, 500):
        statuses, _ = slowest(nginx.url, api, 50)
    assert statuses == {200}
