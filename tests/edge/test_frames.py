"""Malformed and ambiguous requests, to gunicorn and through nginx: none of them carries a second one inside."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.edge.frames import FRAMES, REFUSED, OddRequest, head, hidden

SILENCE_SECONDS = 1.5
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")

MARK = """
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    engine.log("mark " + request.query_parameters.get("mark", "-"))
    return ApiTriggerOutput()
"""


def exchange(url: str, sent: bytes) -> tuple[list[int], bytes]:
    """The statuses of all answers until the connection ends or falls silent."""
    address = httpx.URL(url)
    received = b""
    with socket.create_connection((address.host, address.port or 80), timeout=SILENCE_SECONDS) as connection:
        try:
            connection.sendall(sent)
            while piece := connection.recv(65_536):
                received += piece
        except (TimeoutError, ConnectionError):
            pass
    return [int(status) for status in _STATUS.findall(received) if status != b"100"], received


def judge(frame: OddRequest, statuses: list[int], by: str) -> str | None:
    """What is wrong with the answers to `frame`; nginx may also drop what is malformed and pass on the rest."""
    if by == "nginx" and frame.ends_for_nginx:
        return None
    # 500 is the catalogue's answer to a body that cannot be read.
    refused = not statuses or 400 <= statuses[0] < 500 or statuses[0] in (500, 501, 505)
    dropped = statuses == [200] and (by == "nginx" or frame.expected != REFUSED)
    if len(statuses) <= 1 and (refused or dropped):
        return None
    return f"{frame.name}: {statuses}"


@pytest.mark.parametrize("by", ["gunicorn", "nginx"])
def test_no_frame_smuggles_a_request(request, by, gunicorn, stack, publish):
    url = request.getfixturevalue(by).url
    api = publish(MARK)
    workers = gunicorn.workers()

    def send(number: int) -> str | None:
        frame = FRAMES[number]
        inner = hidden(api, f"behind-lf-{by}" if frame.ends_for_nginx else f"smuggled-{by}")
        return judge(frame, exchange(url, frame.make(head(api, f"frame-{number}-"), inner))[0], by)

    with ThreadPoolExecutor(8) as clients:
        wrong = [complaint for complaint in clients.map(send, range(len(FRAMES))) if complaint]
    assert not wrong, "\n".join(wrong)
    assert httpx.get(url + api.path, params={"mark": f"good-{by}"}, headers=api.headers).status_code == 200
    log = stack.log_text("manager.log")
    assert f"mark good-{by}" in log
    assert f"mark smuggled-{by}" not in log
    assert gunicorn.workers() == workers
    assert len(FRAMES) >= 30


def test_pipelined_requests_are_answered_in_order(edge_url, publish):
    """Pipelining is no smuggling: three whole requests, three answers."""
    api = publish()
    start = head(api, "a") + b"Content-Length: 5\r\n"
    bodies = [b"first", b"other", b"third"]
    sent = b"".join(start + (b"Connection: close\r\n" if body == b"third" else b"") + b"\r\n" + body for body in bodies)
    statuses, received = exchange(edge_url, sent)
    assert statuses == [200] * 3
    assert [received.find(body) for body in bodies] == sorted(received.find(body) for body in bodies)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_request_in_small_pieces_is_one_request(edge_url, publish, size):
    api = publish()
    request = head(api, "pieces") + b"Content-Length: 5\r\nConnection: close\r\n\r\nwhole"
    address = httpx.URL(edge_url)
    with socket.create_connection((address.host, address.port or 80), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for begin in range(0, len(request), size):
            connection.sendall(request[begin : begin + size])
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert received.endswith(b"whole")
