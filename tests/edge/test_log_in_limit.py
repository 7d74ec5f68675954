"""The shipped nginx configuration limits the log-ins of an address, and nothing else."""

import socket
from contextlib import ExitStack
from functools import partial

import httpx
import pytest
from django.contrib.auth.models import User

from keys.changes import create_key

FORM = b"POST /console/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BASIC = (
    b"GET /api/management/tokens/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: basic x\r\nConnection: close\r\n\r\n"
)
TOGETHER = 60


def answers(port: int, request: bytes) -> list[bytes]:
    """The statuses of requests that are sent at the same moment."""
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 60)) for _ in range(TOGETHER)]
        for client in clients:
            client.sendall(request)
        return [b"".join(iter(partial(client.recv, 65_536), b"")) for client in clients]


@pytest.mark.parametrize(
    ("request_", "let_in", "words"),
    [
        (FORM, b" 403 ", b"Too many log-ins at the same time, try again in a moment."),
        (BASIC, b" 401 ", b'{"errors": [{"reason": "TooManyAttempts", "detail": "Too many log-ins'),
    ],
    ids=["console", "management API"],
)
def test_a_flood_of_log_ins_is_cut_and_nothing_else(nginx, publish, request_, let_in, words):
    got = answers(nginx.port, request_)
    refused = [answer for answer in got if answer.split(b"\r\n", 1)[0].endswith(b" 429 Too Many Requests")]
    assert len(refused) > TOGETHER - 40
    assert all(b"Retry-After: 1\r\n" in answer and words in answer for answer in refused)
    assert all(let_in in answer.split(b"\r\n", 1)[0] for answer in got if answer not in refused)
    user = User.objects.create_superuser("joe")
    try:
        headers = {"Authorization": f"Token {create_key(user, 'ci', 1)[1]}"}
        calls = [httpx.get(f"{nginx.url}/api/management/tokens/", headers=headers) for _ in range(30)]
        assert {call.status_code for call in calls} == {200}
        api = publish()
        calls = [httpx.post(nginx.url + api.path, headers={"Authorization": "Basic x"}) for _ in range(30)]
        assert {call.status_code for call in calls} == {401}
    finally:
        user.delete()
