"""When a caller hangs up, its waiting job is cancelled and its waiting slot is free at once."""

import json
import re
import socket
import struct
import time

import pytest
from django.contrib.auth.models import User

from fleet import claims, redis_keys
from fleet.answer import Answer
from keys.changes import create_key
from testbed.people import remove_users
from testbed.stack import wait_until
from tests.endpoint import catalogue
from tests.endpoint.catalogue import assert_error
from tests.endpoint.fakenode import INSTANCE, NODE_ID
from tests.endpoint.wire import Connection, head

NEVER_STARTED = "the caller hung up: never started"
MAY_HAVE_RUN = "the caller hung up: may have run"

WRITES = """
import time
from pathlib import Path

def on_api_trigger(engine, request):
    Path(request.raw_body, "began").touch()
    while not Path(request.raw_body, "go").exists():
        time.sleep(0.02)
    Path(request.raw_body, "ended").touch()
"""


def _request(api, body: bytes = b"") -> bytes:
    length = ("Content-Length", str(len(body)))
    return head("POST", api.path, *api.headers.items(), ("Content-Type", "text/plain"), length) + body


def _ends(stack, how: str) -> int:
    """The number of triggers that ended like this."""
    return len(re.findall(f'ended .*reason=NatsRequestFailed .*message="{how}"', stack.log_text("endpoint.log")))


def _close(connection: Connection) -> None:
    connection.__exit__()


def _half_close(connection: Connection) -> None:
    connection.end_of_sending()


def _reset(connection: Connection) -> None:
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.__exit__()


@pytest.fixture
def admin_key(open_db):
    """A personal key of an administrator."""
    yield create_key(User.objects.create_superuser("caller"), "a test's")[1]
    remove_users(username="caller")


@pytest.mark.parametrize("hang_up", [_close, _half_close, _reset])
def test_a_waiting_trigger_whose_caller_hangs_up_never_starts(lonely, publish, fake_node, hang_up):
    fake_node.live()
    before = _ends(lonely, NEVER_STARTED)
    with Connection(lonely.url) as connection:
        connection.send(_request(publish()))
        wait_until(lambda: fake_node.redis.llen(redis_keys.queue()) == 1, what="the job")
        hang_up(connection)
        wait_until(lambda: _ends(lonely, NEVER_STARTED) == before + 1, what="its end")
    assert fake_node.redis.keys(redis_keys.ticket("*")) == []


def test_a_caller_that_hung_up_before_its_trigger_waits_counts_too(lonely, publish, fake_node):
    fake_node.live()
    before = _ends(lonely, NEVER_STARTED)
    with Connection(lonely.url) as connection:
        connection.send(_request(publish()))
        connection.end_of_sending()
        answer = connection.answer()
    assert_error(answer, 1001, detail=catalogue.NEVER_STARTED)
    assert _ends(lonely, NEVER_STARTED) == before + 1


def test_hung_up_callers_free_their_places(lonely, publish, fake_node):
    """Four may wait."""
    fake_node.live()
    api, before = publish(), _ends(lonely, NEVER_STARTED)
    waiting = [Connection(lonely.url) for _ in range(4)]
    for connection in waiting:
        connection.send(_request(api))
    wait_until(lambda: fake_node.redis.llen(redis_keys.queue()) == 4, what="four jobs")
    assert_error(api.call(lonely.client), 7)
    for connection in waiting:
        _close(connection)
    wait_until(lambda: _ends(lonely, NEVER_STARTED) == before + 4, what="four ends")
    fake_node.redis.delete(redis_keys.queue())
    with fake_node.answers(Answer(NODE_ID, body=b"there was room")):
        assert api.call(lonely.client).text == "there was room"


def test_further_requests_on_the_connection_are_no_hang_up(lonely, publish, fake_node):
    fake_node.live()
    api = publish()
    with Connection(lonely.url) as connection:
        connection.send(_request(api, b"first") + _request(api, b"second"))
        for body in (b"one", b"two"):
            claim = fake_node.take()
            time.sleep(0.3)
            assert fake_node.redis.exists(redis_keys.run(claim.job_id)), "it is not given up"
            claims.finish(claim, Answer(NODE_ID, body=body))
            assert connection.answer().content == body


def test_a_script_that_runs_goes_on_without_its_caller(stack, publish, kept):
    before = _ends(stack, MAY_HAVE_RUN)
    with Connection(stack.url) as connection:
        connection.send(_request(publish(WRITES), str(kept).encode()))
        wait_until((kept / "began").exists, what="the script")
    wait_until(lambda: _ends(stack, MAY_HAVE_RUN) == before + 1, what="the end of the trigger")
    (kept / "go").touch()
    wait_until((kept / "ended").exists, what="the end of the script")


def test_a_worker_skips_a_cancelled_job(lonely, publish, fake_node):
    fake_node.live()
    api, before = publish(), _ends(lonely, NEVER_STARTED)
    with Connection(lonely.url) as served:
        served.send(_request(api))
        claim, gone = fake_node.take(), Connection(lonely.url)
        gone.send(_request(api))
        wait_until(lambda: fake_node.redis.llen(redis_keys.queue()) == 1, what="the job")
        _close(gone)
        wait_until(lambda: _ends(lonely, NEVER_STARTED) == before + 1, what="its end")
        assert claims.finish(claim, Answer(NODE_ID, body=b"served"), INSTANCE) is None
        assert served.answer().content == b"served"
    assert fake_node.redis.llen(redis_keys.queue()) == 0


def test_the_trigger_message_over_http_is_cancelled_as_well(lonely, publish, fake_node, admin_key):
    fake_node.live()
    api, before = publish(), _ends(lonely, NEVER_STARTED)
    message = {"requestMethod": "Post", "route": api.definition.route, "secret": api.secret}
    body = json.dumps(message).encode()
    fields = ("Authorization", f"Token {admin_key}"), ("Content-Type", "application/json")
    with Connection(lonely.url) as connection:
        connection.send(head("POST", "/api/management/trigger/", *fields, ("Content-Length", str(len(body)))) + body)
        wait_until(lambda: fake_node.redis.llen(redis_keys.queue()) == 1, what="the job")
    wait_until(lambda: _ends(lonely, NEVER_STARTED) == before + 1, what="its end")
