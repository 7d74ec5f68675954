"""Slow bodies are given up at every address, and lock no other client out."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from tests.edge.conftest import SILENCE_SECONDS, SLOTS
from tests.edge.frames import head as trigger_head
from tests.edge.slowness import trickling
from tests.endpoint.catalogue import assert_error
from tests.endpoint.wire import Connection, RawResponse, head

JSON, FORM = ("Content-Type", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")
LENGTH = ("Content-Length", "60000")
LONG_SECONDS = 40
"""Longer than any limit of `impatient`, even on a busy machine."""
CSRF_COOKIE = ("Cookie", f"csrftoken={'a' * 32}")


@contextmanager
def silent(connection):
    """Fall silent."""
    yield


@pytest.fixture
def requests(publish, key):
    """Slow requests to addresses of every kind, without their bodies: as many as there are slots."""
    to_api = trigger_head(publish(), "slow")
    return {
        "log-in": head("POST", "/console/login/", CSRF_COOKIE, ("X-CSRFToken", "a" * 32), FORM, LENGTH),
        "management": head("POST", "/api/management/scripts/", key, JSON, LENGTH),
        "static": head("POST", "/static/console/icon.svg", LENGTH),
        "stranger": head("POST", "/api/custom/any", JSON, LENGTH),
        "trigger": to_api + b"Content-Length: 60000\r\n\r\n",
        "chunked": to_api + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n",
    }


def slow_answer(url: str, request: bytes, manner) -> RawResponse:
    """The answer to a request with such a body, which ends the connection."""
    with Connection(url, LONG_SECONDS) as connection:
        connection.send(request, b"begun")
        with manner(connection):
            answer = connection.answer()
            assert connection.is_closed()
        return answer


@pytest.mark.parametrize("manner", [silent, trickling])
def test_a_slow_body_is_given_up_at_every_address(impatient, stack, requests, manner):
    logged = len(stack.log_text("endpoint.log"))
    with ThreadPoolExecutor(len(requests)) as clients:
        begun = time.monotonic()
        waiting = {
            name: clients.submit(slow_answer, impatient.url, request, manner) for name, request in requests.items()
        }
        answers = {name: answer.result() for name, answer in waiting.items()}
        assert time.monotonic() - begun < LONG_SECONDS
    assert (answers["log-in"].status_code, answers["log-in"].content) == (408, b"The body took too long.\n")
    assert answers["management"].status_code == 408
    assert answers["management"].json()["errors"][0]["reason"] == "RequestTimeout"
    assert answers["static"].status_code in (404, 405)
    assert_error(answers["stranger"], 1008)
    assert_error(answers["trigger"], 1007)
    assert_error(answers["chunked"], 1007)
    assert "Traceback" not in stack.log_text("endpoint.log")[logged:]


def test_a_body_that_comes_steadily_is_read(impatient, publish):
    """Each pause is shorter than the silence allowed, all together are longer."""
    api = publish()
    pieces = [b"x" * 10] * 5
    with Connection(impatient.url, LONG_SECONDS) as connection:
        connection.send(trigger_head(api, "steady") + b"Content-Length: 50\r\n\r\n")
        for piece in pieces:
            time.sleep(SILENCE_SECONDS / 4)
            connection.send(piece)
        assert connection.answer().content == b"".join(pieces)


BEGINNINGS = {
    "heads": b"POST /console/login/ HTTP/1.1\r\nHost: localhost\r\nX-A: ",
    "forms": head("POST", "/console/login/", CSRF_COOKIE, FORM, LENGTH),
    "bodies that nobody reads": head("POST", "/nowhere", LENGTH),
    "bodies of strangers' triggers": head("POST", "/api/custom/any", JSON, LENGTH),
    "nothing": b"",
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_more_slow_clients_than_threads_keep_nobody_out(impatient, publish, name):
    """They reconnect as soon as they are given up."""
    api = publish()
    count = 20 * SLOTS
    with ExitStack() as connections, httpx.Client(base_url=impatient.url, timeout=LONG_SECONDS) as client:

        def come(number: int) -> list[Connection]:
            made = [connections.enter_context(Connection(impatient.url)) for _ in range(number)]
            for connection in made:
                connection.send(BEGINNINGS[name])
            return made

        with trickling(*come(count), piece=b"x" if BEGINNINGS[name] else b""):
            for _ in range(3):
                assert client.get("/console/login/").status_code == 200
                assert api.call(client).status_code == 200
                come(SLOTS)
