"""When a web server is gone, nginx's answer tells callers whether their trigger may have run."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import psutil
import pytest

from testbed.nginx import Nginx
from testbed.stack import free_port, wait_until
from tests.endpoint.catalogue import MAY_HAVE_RUN, NEVER_STARTED, OF_NGINX, assert_error

MARK = """
import time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    with open({file!r}, "a") as file:
        file.write(request.query_parameters.get("n", "") + "\\n")
    time.sleep({seconds})
    return ApiTriggerOutput(response_body="done")
"""


@contextmanager
def before(directory, *ports: int) -> Iterator[tuple[Nginx, httpx.Client]]:
    """nginx with the shipped configuration in front of the servers at `ports`, and a client."""
    nginx = Nginx(directory, *ports)
    try:
        with httpx.Client(base_url=nginx.url, timeout=60) as client:
            yield nginx, client
    finally:
        nginx.stop()


@contextmanager
def full_listener() -> Iterator[int]:
    """The port of a server that no longer accepts, so that connecting times out."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(server.getsockname())
        yield server.getsockname()[1]
        for each in waiting:
            each.close()


@contextmanager
def hanging_up() -> Iterator[int]:
    """The port of a server that takes one request and closes the connection without an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            connection, _ = server.accept()
            with closing(connection):
                connection.recv(65_536)

        thread = threading.Thread(target=take)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def test_a_refused_connection_is_safe_to_send_again(tmp_path):
    with before(tmp_path, free_port()) as (_, client):
        answer = client.post("/api/custom/anything", content="x")
    assert_error(answer, 1001, detail=NEVER_STARTED, id_version=OF_NGINX)
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_trigger_without_any_web_server_is_safe_to_send_again(tmp_path):
    """After a refusal by each, nginx asks none of them for a while."""
    with before(tmp_path, free_port(), free_port()) as (nginx, client):
        for _ in range(4):
            assert_error(
                client.post("/api/custom/anything", content="x"), 1001, detail=NEVER_STARTED, id_version=OF_NGINX
            )
        assert "no live upstreams" in (nginx.directory / "error.log").read_text()


def test_a_connection_that_is_never_accepted_is_safe_to_send_again(tmp_path):
    with full_listener() as port, before(tmp_path, port) as (_, client):
        assert_error(client.get("/api/custom/anything"), 1001, detail=NEVER_STARTED, id_version=OF_NGINX)


def test_a_trigger_to_a_web_server_that_has_stopped_is_safe_to_send_again(tmp_path, stack, publish):
    api = publish()
    with stack.another_web() as web, before(tmp_path, web.port) as (_, client):
        assert api.call(client, content="hello", headers={"Content-Type": "text/plain"}).text == "hello"
        web.stop()
        with socket.socket() as kept:
            # Nobody listens there, and no server of another test does so meanwhile.
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            kept.bind(("127.0.0.1", web.port))
            assert_error(api.call(client), 1001, detail=NEVER_STARTED, id_version=OF_NGINX)


def test_a_request_that_was_handed_over_may_have_run(tmp_path):
    with hanging_up() as port, before(tmp_path, port) as (_, client):
        assert_error(client.get("/api/custom/anything"), 1001, detail=MAY_HAVE_RUN, id_version=OF_NGINX)


def test_a_killed_web_server_may_have_run_the_script(tmp_path, stack, kept, publish):
    marks = kept / "marks"
    api = publish(MARK.format(file=str(marks), seconds=3))
    with stack.another_web() as web, before(tmp_path, web.port) as (_, client):
        killer = threading.Thread(target=_kill_once, args=(web.process.pid, marks.exists))
        killer.start()
        answer = api.call(client)
        killer.join()
    assert_error(answer, 1001, detail=MAY_HAVE_RUN, id_version=OF_NGINX)


def _kill_once(pid: int, is_time) -> None:
    wait_until(is_time)
    parent = psutil.Process(pid)
    for process in (parent, *parent.children(recursive=True)):
        process.kill()


class SteadyCallers:
    """Four callers that trigger `api` without a pause until `stop`; `answers` has every answer by its number."""

    def __init__(self, api, url: str) -> None:
        self.answers: dict[str, httpx.Response] = {}
        self._api, self._url, self._goes_on = api, url, True
        self._threads = [threading.Thread(target=self._call, args=(name,)) for name in "abcd"]
        for thread in self._threads:
            thread.start()

    def _call(self, name: str) -> None:
        # One connection for each: nginx closes idle ones when it is reloaded, which is not an answer.
        with httpx.Client(base_url=self._url, timeout=60, limits=httpx.Limits(max_keepalive_connections=0)) as client:
            for count in range(10_000):
                if not self._goes_on:
                    return
                number = f"{name}{count}"
                self.answers[number] = self._api.call(client, params={"n": number})
                time.sleep(0.01)

    def wait_for_more(self, count: int = 20) -> None:
        """Wait for that many further answers."""
        enough = len(self.answers) + count
        wait_until(lambda: len(self.answers) >= enough)

    def stop(self) -> None:
        """Stop each caller after its current call."""
        self._goes_on = False
        for thread in self._threads:
            thread.join()


@pytest.fixture
def marked(publish, kept):
    """An API that leaves a line for each run, and the file with the lines."""
    marks = kept / "marks"
    return publish(MARK.format(file=str(marks), seconds=0.1)), marks


def test_nobody_notices_a_web_server_that_is_drained(tmp_path, stack, marked):
    api, _ = marked
    with stack.another_web() as web, before(tmp_path, stack.web.port, web.port) as (nginx, _):
        callers = SteadyCallers(api, nginx.url)
        callers.wait_for_more()
        nginx.reload(down=[web.port])
        web.stop()
        callers.wait_for_more()
        callers.stop()
    assert {answer.text for answer in callers.answers.values()} == {"done"}


def test_no_trigger_runs_twice_when_a_web_server_stops_without_draining(tmp_path, stack, marked):
    """No trigger runs twice, and none runs whose caller is told that it is safe to send it again."""
    api, marks = marked
    with stack.another_web() as web, before(tmp_path, stack.web.port, web.port) as (nginx, _):
        callers = SteadyCallers(api, nginx.url)
        callers.wait_for_more()
        web.stop()
        callers.wait_for_more()
        callers.stop()
    details = {
        number: answer.json()["errors"][0]["detail"] for number, answer in callers.answers.items() if answer.is_error
    }
    never_started = {number for number, detail in details.items() if detail == NEVER_STARTED}
    runs = marks.read_text().split()
    assert never_started
    assert len(runs) == len(set(runs))
    assert not never_started & set(runs)
    assert callers.answers.keys() - details.keys() <= set(runs)
