"""Idle connections after a burst of triggers are closed."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from broker import client as broker_client
from broker.connections import IDLE_SECONDS, HeldConnection
from testbed.stack import wait_until
from tests.fleet.conftest import Held

BURST = 100


def _clients(redis) -> int:
    return int(redis.info("clients")["connected_clients"])


def test_web_server_closes_idle_connections_after_a_burst_of_callers(stack, publish, kept):
    held, echo = Held(stack, publish, kept), publish()
    with stack.another_web(UDAPI_WEB_WORKERS="1", UDAPI_WEB_THREADS="400") as web, stack.redis_client() as redis:
        assert echo.call(web.client).status_code == 200
        before = _clients(redis)
        with ThreadPoolExecutor(BURST) as callers:
            # No slot of the node is free, so all of them wait.
            with held.busy():
                called = [callers.submit(echo.call, web.client) for _ in range(BURST)]
                wait_until(lambda: _clients(redis) >= before + BURST - 1, what="a connection for each caller")
            assert {each.result().status_code for each in called} == {200}
        assert _clients(redis) >= before + BURST / 2, "they are kept for a while"
        wait_until(lambda: _clients(redis) <= before + 5, 3 * IDLE_SECONDS, "the end of the others")
        assert echo.call(web.client).status_code == 200


def test_a_connection_in_use_is_not_closed_however_long_that_takes(stack, monkeypatch):
    monkeypatch.setattr("broker.connections.IDLE_SECONDS", 0.2)
    with stack.redis_client() as redis, HeldConnection(broker_client.client()) as connection:
        connection.send_command("BLPOP", "nobody pushes here", 1)
        assert connection.read_response(timeout=3) is None
        assert redis.ping()


def test_closing_idle_connections_loses_no_answer_of_busy_threads(stack, monkeypatch):
    monkeypatch.setattr("broker.connections.IDLE_SECONDS", 0.001)
    together = Barrier(8)

    def work(thread: int) -> bool:
        together.wait()
        # The thread that closes them may sleep for its usual time once more.
        until, numbers = time.monotonic() + IDLE_SECONDS / 2, itertools.count()
        while time.monotonic() < until:
            number = next(numbers)
            with HeldConnection(broker_client.client()) as connection:
                connection.send_command("ECHO", f"{thread} {number}")
                if connection.read_response() != f"{thread} {number}".encode():
                    return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(8)))
