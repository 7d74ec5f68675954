"""Clients that receive slowly hold their slots until their answers are given up."""

import time
from contextlib import ExitStack

import httpx
import pytest

from testbed.listener import Listener
from testbed.stack import wait_until
from tests.edge.conftest import SILENCE_SECONDS, SLOTS, TRANSFER_SECONDS
from tests.edge.frames import head as trigger_head
from tests.edge.slowness import received, receiver
from tests.endpoint.catalogue import assert_error
from tests.endpoint.wire import head

LARGE = 12_000_000
"""More than the buffers of a connection hold."""
SENDS = f"""
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput(response_body_bytes=bytes(0 if request.raw_body else {LARGE}))
"""
LITTLE = {"content": b"x", "headers": {"Content-Type": "text/plain"}}
BUNDLE = "/static/drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js.map"
LONG_SECONDS = 40


def sip(client, seconds: float) -> None:
    """Receive a little at a time without long pauses; the connection may break at the end."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if not client.recv(2_048):
                return
        except ConnectionError:
            return
        time.sleep(0.2)


@pytest.fixture
def api(publish):
    """A script with a large answer, unless it gets a body."""
    return publish(SENDS)


@pytest.fixture
def request_of_much(api):
    return trigger_head(api, "slow") + b"Content-Length: 0\r\n\r\n"


def test_slow_readers_take_the_places_of_waiting_callers_and_no_more(small, api, request_of_much):
    with ExitStack() as readers:
        for _ in range(SLOTS):
            readers.enter_context(receiver(small.url, request_of_much))
        assert_error(api.call(small.client, **LITTLE), 7)
        assert small.client.get("/console/login/").status_code == 200
    wait_until(lambda: api.call(small.client, **LITTLE).status_code == 200, LONG_SECONDS, "a free slot")


@pytest.mark.parametrize("seconds_of_sipping", [0, 2 * TRANSFER_SECONDS], ids=["not at all", "slowly"])
def test_a_slow_reader_is_given_up_and_its_place_is_free(impatient, api, request_of_much, seconds_of_sipping):
    with ExitStack() as readers:
        clients = [readers.enter_context(receiver(impatient.url, request_of_much)) for _ in range(SLOTS)]
        sip(clients[0], seconds_of_sipping)
        wait_until(lambda: api.call(impatient.client, **LITTLE).status_code == 200, LONG_SECONDS, "a free slot")
        # It may be that of another one. Who reads on before the own time is over gets everything.
        time.sleep(SILENCE_SECONDS)
        assert received(clients[0]) < LARGE


def test_an_answer_that_is_received_in_time_is_whole(impatient, api):
    answer = api.call(impatient.client)
    assert (answer.status_code, len(answer.content)) == (200, LARGE)


def test_a_slow_reader_of_a_file_is_given_up(impatient):
    whole = int(impatient.client.head(BUNDLE).headers["Content-Length"])
    with receiver(impatient.url, head("GET", BUNDLE)) as client:
        time.sleep(TRANSFER_SECONDS)
        assert received(client) < whole


def test_more_slow_readers_of_files_than_threads_keep_nobody_out(impatient, publish):
    api = publish()
    with ExitStack() as readers, httpx.Client(base_url=impatient.url, timeout=LONG_SECONDS) as client:
        for _ in range(10 * SLOTS):
            readers.enter_context(receiver(impatient.url, head("GET", BUNDLE)))
        assert client.get("/console/login/").status_code == 200
        assert api.call(client).status_code == 200


def test_a_live_stream_goes_on_beyond_the_time_of_an_answer(impatient, publish, key):
    listener = Listener(impatient.url, key[1].removeprefix("Token "))
    try:
        time.sleep(TRANSFER_SECONDS + 1)
        publish.token(name="later")
        assert "later" in listener.wait_for(1, LONG_SECONDS)[0].data["message"]
    finally:
        listener.close()
