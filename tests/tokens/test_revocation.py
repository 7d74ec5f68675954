"""A disabled, rotated or deleted token is refused from the next request on, in every process."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from objects.changes import delete_checked, save_checked
from testbed.publisher import Publisher
from testbed.stack import Web, wait_until

WORKERS = 4
ROUNDS = 100
# Nothing is published there: an accepted token gets error 5.
LET_IN, LOCKED_OUT = b"404", b"401"


@pytest.fixture
def web(stack):
    """A gunicorn of four processes."""
    with stack.another_web(UDAPI_WEB_WORKERS=str(WORKERS), UDAPI_WEB_THREADS="8") as web:
        wait_until(lambda: _all_are_ready(web), what="all processes of gunicorn")
        yield web


def _status(web: Web, secret: str) -> bytes:
    """Over a connection of its own, which any of the processes may accept."""
    with socket.create_connection(("127.0.0.1", web.port), 30) as connection:
        head = f"GET /api/custom/nowhere HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {secret}\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
        return connection.recv(65_536).split(b" ", 2)[1]


def _statuses(web: Web, threads: ThreadPoolExecutor, secret: str) -> set[bytes]:
    return set(threads.map(lambda _: _status(web, secret), range(2 * WORKERS)))


def _work(web: Web) -> list[float]:
    """The processor time of each worker process."""
    return [sum(child.cpu_times()[:2]) for child in psutil.Process(web.process.pid).children()]


def _all_are_ready(web: Web) -> bool:
    """Four idle processes."""
    before = _work(web)
    time.sleep(0.3)
    return len(before) == WORKERS and before == _work(web)


def test_every_process_refuses_on_the_next_request(web):
    token, secret = Publisher().token()
    before = _work(web)
    with ThreadPoolExecutor(WORKERS) as threads:
        assert _statuses(web, threads, secret) == {LET_IN}
        for number in range(ROUNDS):
            if number % 2:
                token.is_disabled = True
                save_checked(token, by="system")
                assert _statuses(web, threads, secret) == {LOCKED_OUT}, f"disabled, round {number}"
                token.is_disabled = False
                save_checked(token, by="system")
                assert _statuses(web, threads, secret) == {LET_IN}, f"enabled, round {number}"
            else:
                old, secret = secret, token.set_secret(None)
                save_checked(token, by="system")
                assert _statuses(web, threads, old) == {LOCKED_OUT}, f"rotated, round {number}"
                assert _statuses(web, threads, secret) == {LET_IN}, f"rotated, round {number}"
        delete_checked(token, by="system")
        assert _statuses(web, threads, secret) == {LOCKED_OUT}
    worked = [after - earlier for earlier, after in zip(before, _work(web), strict=True)]
    assert min(worked) > 0, "not all processes were asked"


def test_a_kept_open_connection_does_not_bypass_revocation(stack):
    token, secret = Publisher().token()
    headers = {"Authorization": f"Bearer {secret}"}
    assert stack.client.get("/api/custom/nowhere", headers=headers).status_code == 404
    token.is_disabled = True
    save_checked(token, by="system")
    assert stack.client.get("/api/custom/nowhere", headers=headers).status_code == 401
