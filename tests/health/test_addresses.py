"""`/healthz` and `/readyz`: up or down for everybody, whatever the host, the scheme and the load."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest
from django.test import Client

from testbed.stack import wait_until
from tests.endpoint.wire import Connection, exchange, head

ADDRESSES = ("/healthz", "/readyz")
UP, DOWN = {"status": "up"}, {"status": "down"}


def ready(client: httpx.Client) -> bool:
    return client.get("/readyz").status_code == 200


def is_down(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()) == (503, DOWN)


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_says_up_to_everybody_and_nothing_else(stack, address):
    for host in ("localhost", "attacker.example", "no host:x y", "10.1.2.3:8000"):
        answer = exchange(stack.url, head("GET", address, ("Host", host)))
        assert (answer.status_code, answer.json()) == (200, UP), host
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Type"] == "application/json"
        names = {name.title() for name in answer.headers}
        ours = {"Cache-Control", "Content-Type", "X-Content-Type-Options", "Content-Length"}
        assert names <= ours | {"Server", "Date", "Connection"}, "neither cookies nor policies of the console"


@pytest.mark.parametrize("address", ADDRESSES)
def test_get_and_head_are_the_methods(stack, address):
    with Connection(stack.url) as connection:
        connection.send(head("HEAD", address))
        answer = connection.answer("HEAD")
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["Content-Length"] == "17"
        connection.send(head("GET", address))
        assert connection.answer().json() == UP, "on the same connection"
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "BREW"):
        refused = stack.client.request(method, address, content=b"x" * 100_000)
        assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD"), method
        assert refused.text == "Only GET and HEAD are answered here.\n"
        assert refused.headers["Connection"] == "close", "the body stays unread"


def test_only_the_exact_path_is_answered(stack):
    for path in ("/healthz/", "/Healthz", "/readyz/x", "/api/healthz"):
        assert stack.client.get(path).status_code == 404, path


@pytest.mark.parametrize("address", ADDRESSES)
def test_https_everywhere_redirects_no_prober(stack, settings, address):
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/console/").status_code == 301
    assert Client().get(address, headers={"host": "10.1.2.3"}).json() == UP


def test_a_public_url_with_https_and_a_proxy_change_nothing(stack):
    https = {"UDAPI_PUBLIC_URL": "https://apis.example.com", "UDAPI_TRUSTED_PROXIES": "127.0.0.1"}
    with stack.another_web(UDAPI_WEB_WORKERS="1", **https) as web:
        forwarded = {"Host": "10.1.2.3", "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
        for address in ADDRESSES:
            assert web.client.get(address, headers=forwarded).json() == UP
            assert web.client.get(address, headers={"Host": "10.1.2.3"}).json() == UP
        in_the_end_the_server_stops(web)


def in_the_end_the_server_stops(web) -> None:
    """Connections that are open meanwhile get a clear answer, or none."""
    with Connection(web.url) as connection, ThreadPoolExecutor(1) as waiter:
        connection.send(head("GET", "/readyz"))
        assert connection.answer().json() == UP
        # Part of a request is there when the server begins to stop.
        connection.send(b"GET /readyz HTTP/1.1\r\n")
        stops = waiter.submit(psutil.Process(web.process.pid).wait, 60)
        os.kill(web.process.pid, signal.SIGTERM)
        wait_until(lambda: not _listens(web.url), what="the end of the port")
        connection.send(b"Host: localhost\r\n\r\n")
        answer = connection.answer()
        stops.result()
    assert (answer.status_code, answer.json()) == (503, DOWN)


def _listens(url: str) -> bool:
    try:
        with Connection(url):
            return True
    except ConnectionRefusedError:
        return False


def test_nothing_is_logged_line_by_line(stack):
    before = [stack.log_text(name) for name in ("endpoint.log", "refused.log")], stack.log.read_text()
    for _ in range(20):
        for address in ADDRESSES:
            stack.client.get(address, headers={"Host": "attacker.example"})
            stack.client.post(address)
    assert ([stack.log_text(name) for name in ("endpoint.log", "refused.log")], stack.log.read_text()) == before


def test_two_hundred_askers_are_answered(stack):
    wait_until(lambda: ready(stack.client), what="the first look")
    with ThreadPoolExecutor(200) as askers:
        answers = list(askers.map(lambda number: stack.client.get(ADDRESSES[number % 2]), range(400)))
    assert [answer.status_code for answer in answers] == [200] * 400


def test_a_hung_and_a_killed_redis_make_it_unready(breakable_stack):
    client = breakable_stack.client
    wait_until(lambda: ready(client), what="the whole stack")
    broker = psutil.Process(breakable_stack.redis.pid)
    broker.suspend()
    try:
        wait_until(lambda: is_down(client.get("/readyz")), what="the answer that Redis hangs")
        slow = max(client.get("/readyz").elapsed.total_seconds() for _ in range(5))
        assert client.get("/healthz").json() == UP
    finally:
        broker.resume()
    assert slow < 20
    wait_until(lambda: ready(client), 60, "the end of the pause")
    breakable_stack.stop_redis()
    wait_until(lambda: is_down(client.get("/readyz")), what="the answer that Redis is gone")
    assert client.get("/healthz").json() == UP
    breakable_stack.mend()
    wait_until(lambda: ready(client), 60, "the return of Redis")
    log = breakable_stack.log_text("endpoint.log")
    assert "not ready: Redis does not answer" in log
    assert "ready again" in log


def test_a_killed_worker_makes_it_unready(breakable_stack):
    client = breakable_stack.client
    wait_until(lambda: ready(client), what="the whole stack")
    breakable_stack.worker.kill()
    wait_until(lambda: is_down(client.get("/readyz")), 60, "the end of its heartbeat")
    breakable_stack.mend()
    wait_until(lambda: ready(client), 60, "another worker")
    assert "not ready: no worker node takes triggers" in breakable_stack.log_text("endpoint.log")
