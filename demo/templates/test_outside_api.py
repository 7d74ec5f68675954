"""A call of another API, which a small server in this test stands in for."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import outside_api
import pytest

from automation.sdk import ApiError, ApiTriggerInput, Engine, QueryParameters

SECRET = "a-secret-of-the-other-api"
ANSWERS = {
    "/channels/7": (200, b'{"state": "on"}'),
    "/channels/a%2Fb": (200, b'{"state": "off"}'),
    "/channels/no-json": (200, b"<html>"),
    "/channels/moved": (302, b""),
}


class OutsideApi(BaseHTTPRequestHandler):
    """Notes path and `Authorization` of each call; `moved` redirects to channel 7."""

    asked: list[tuple[str, str | None]] = []

    def do_GET(self) -> None:
        """Answer as `ANSWERS` says, otherwise 404."""
        self.asked.append((self.path, self.headers["Authorization"]))
        status, body = ANSWERS.get(self.path, (404, SECRET.encode()))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "/channels/7")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The address of the other API."""
    OutsideApi.asked.clear()
    with HTTPServer(("127.0.0.1", 0), OutsideApi) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(outside_api, "ADDRESS", f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()


def ask(channel: str, log: list[str], secret: str = SECRET, seconds: float = 60) -> object:
    engine = Engine(credentials={"outside-api": secret}, log=log.append, seconds=seconds)
    request = ApiTriggerInput(query_parameters=QueryParameters({"channel": channel}))
    return json.loads(outside_api.on_api_trigger(engine, request).response_body)


def test_the_other_api_is_asked_with_the_credential() -> None:
    log: list[str] = []
    assert ask("7", log) == {"state": "on"}
    assert ask("a/b", log) == {"state": "off"}
    assert OutsideApi.asked == [("/channels/7", f"Bearer {SECRET}"), ("/channels/a%2Fb", f"Bearer {SECRET}")]
    assert log == []


def test_the_credential_does_not_follow_a_redirection() -> None:
    assert ask("moved", []) == {"state": "on"}
    assert OutsideApi.asked[1] == ("/channels/7", None)


@pytest.mark.parametrize("channel", ["missing", "no-json"])
def test_an_answer_of_no_use_is_502(channel: str) -> None:
    log: list[str] = []
    with pytest.raises(ApiError) as refused:
        ask(channel, log)
    assert (refused.value.status, len(log), SECRET in log[0]) == (502, 1, False)


def test_a_credential_that_is_no_header_is_502_and_not_logged() -> None:
    log: list[str] = []
    with pytest.raises(ApiError):
        ask("7", log, secret=f"{SECRET}\n")
    assert log
    assert SECRET not in log[0]


def test_an_api_that_cannot_be_reached_is_502(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside_api, "ADDRESS", "http://127.0.0.1:1")
    with pytest.raises(ApiError) as refused:
        ask("7", [], seconds=0)
    assert refused.value.status == 502


def test_a_request_without_a_channel_is_refused() -> None:
    with pytest.raises(ApiError) as refused:
        ask("", [])
    assert refused.value.status == 400
