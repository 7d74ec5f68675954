"""Live streams while the web server reloads or stops, when slots are full, and with slow or idle subscribers."""

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from django.db import connections

from events.models import InformationEvent
from testbed.changed import altered
from testbed.listener import ADDRESS, Listener
from testbed.publisher import Publisher
from testbed.stack import wait_until

ONE = {"UDAPI_WEB_WORKERS": "1"}
PATIENCE_SECONDS = 300
"""Long enough for a busy machine."""
QUICK = (
    "from automation.sdk import ApiTriggerOutput\n\ndef on_api_trigger(engine, request):\n    return ApiTriggerOutput()"
)


@pytest.fixture
def key(person, key_of):
    """A key whose owner may read the events of all objects."""
    return key_of(person("tokens.ui_available", "definitions.ui_available", "automation.ui_available"))


@pytest.fixture
def keys(person, key_of):
    """`keys(count)`: keys of as many users, because one user may hold only a few streams."""
    return lambda count: [key_of(person("tokens.ui_available")) for _ in range(count)]


def change(count: int) -> None:
    """Makes `count` changes, each committed by itself. They take longer than the interruptions of the server."""
    try:
        token, _ = Publisher.token(Publisher())
        for _ in range(count - 1):
            altered(token).save()
            time.sleep(4 / count)
    finally:
        connections.close_all()


def follow(url: str, key: str, first: Listener, count: int) -> list[Listener]:
    """Read `count` messages, from `first` on; after each end of a stream, resume with `Last-Event-ID`."""
    parts = [first]

    def goes_on() -> bool:
        if sum(len(part.messages) for part in parts) >= count:
            return False
        if parts[-1].has_ended.is_set():
            last_id = parts[-1].last_id
            parts[-1].close()
            parts.append(connect(url, key, last_id))
        return True

    wait_until(lambda: not goes_on(), PATIENCE_SECONDS, f"{count} messages")
    return parts


def connect(url: str, key: str, last_id: str | None = None) -> Listener:
    """Open a stream; try again while the server, which starts or stops, refuses or aborts connections."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return Listener(url, key, last_id)
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the server does not start again"
            time.sleep(0.05)


def reload(web) -> None:
    os.kill(web.process.pid, signal.SIGHUP)


def kill_the_workers(web) -> None:
    for worker in web.workers():
        worker.kill()


@pytest.mark.parametrize("interrupt", [reload, kill_the_workers])
def test_of_1000_events_none_is_missed_or_doubled_when_web_processes_are_replaced(stack, key, interrupt):
    with stack.another_web() as web, ThreadPoolExecutor(4) as threads:
        listeners = [connect(web.url, key) for _ in range(2)]
        followers = [threads.submit(follow, web.url, key, listener, 1_000) for listener in listeners]
        changes = [threads.submit(change, 500) for _ in range(2)]
        for _ in range(3):
            time.sleep(1)
            interrupt(web)
        for each in changes:
            each.result()
        streams = [each.result() for each in followers]
        newest_first = InformationEvent.objects.values_list("event_id", flat=True)[:1_000]
        committed = sorted(map(str, newest_first))
        for parts in streams:
            assert len(parts) > 1
            messages = [message for part in parts for message in part.messages]
            assert sorted(message.data["id"] for message in messages) == committed
            assert [message.id for message in messages] == sorted(message.id for message in messages)
            for part in parts:
                part.close()


def test_client_without_any_event_yet_misses_none_over_a_reload(stack, publish, key):
    with stack.another_web(**ONE) as web:
        listener = Listener(web.url, key)
        reload(web)
        wait_until(listener.has_ended.is_set, 20, "the end of the stream")
        publish.token()
        again = connect(web.url, key, listener.last_id)
        assert len(again.wait_for(1)) == 1
        again.close()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_streams_end_at_once_when_the_server_is_stopped(stack, key, end):
    with stack.another_web(**ONE) as web:
        listeners = [Listener(web.url, key) for _ in range(20)]
        with stalled(web.url, key):
            begun = time.monotonic()
            web.process.send_signal(end)
            for listener in listeners:
                assert listener.has_ended.wait(10)
            web.process.wait(20)
            assert time.monotonic() - begun < 20, "it waits for requests, but not for streams"
        for listener in listeners:
            listener.close()


def test_streams_beyond_the_slots_get_503_and_triggers_go_on(stack, publish, key, keys):
    api = publish(QUICK)
    with stack.another_web(**ONE, UDAPI_WEB_THREADS="8") as web:
        listeners = [Listener(web.url, one) for one in keys(2) * 4]
        refused = Listener(web.url, key).response
        assert (refused.status_code, refused.json()["errors"][0]["reason"]) == (503, "Unavailable")
        assert int(refused.headers["Retry-After"]) > 0
        with ThreadPoolExecutor(4) as callers:
            calls = [callers.submit(api.call, web.client) for _ in range(20)]
            assert {call.result().status_code for call in calls} == {200}
        assert web.client.get("/console/login/").status_code == 200
        listeners[0].close()
        wait_until(lambda: _is_free(web, key), 20, "the slot of a client that hung up")
        for listener in listeners:
            listener.close()


def _is_free(web, key) -> bool:
    listener = Listener(web.url, key)
    listener.close()
    return listener.response.status_code == 200


class stalled:  # noqa: N801
    """A subscriber that never reads, with the smallest possible buffers."""

    def __init__(self, url: str, key: str) -> None:
        self._key, self._address = key, urlsplit(url)

    def __enter__(self) -> socket.socket:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.connect((self._address.hostname, self._address.port))
        head = f"GET {ADDRESS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token {self._key}\r\n\r\n"
        self.socket.sendall(head.encode())
        assert self.socket.recv(12) == b"HTTP/1.1 200"
        return self.socket

    def __exit__(self, *exc: object) -> None:
        self.socket.close()


def large_events(count: int) -> None:
    """Commit, all at once, more events than the buffers of a connection hold."""
    rows = [
        InformationEvent(verb="updated", object_type="ApiToken", object_id=uuid4(), message="m" * 5_000)
        for _ in range(count)
    ]
    InformationEvent._base_manager.bulk_create(rows)


def test_one_user_cannot_take_all_stream_slots(stack, publish, key, keys):
    """Counted over all web processes: the kernel decides which one gets a connection."""
    with stack.another_web(UDAPI_WEB_WORKERS="2", UDAPI_WEB_THREADS="8") as web:
        listeners = [Listener(web.url, key) for _ in range(8)]
        held = [one for one in listeners if one.response.status_code == 200]
        refused = [one.response for one in listeners if one.response.status_code != 200]
        assert len(held) == len(refused) == 4
        assert {answer.status_code for answer in refused} == {503}
        said = "You already have 4 live streams, the most for one user. Close one of them first."
        assert {answer.json()["errors"][0]["detail"] for answer in refused} == {said}
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
        other = Listener(web.url, keys(1)[0])
        assert other.response.status_code == 200
        held[0].close()
        wait_until(lambda: _is_free(web, key), 20, "the slot of a closed stream")
        for listener in (other, *listeners):
            listener.close()


def test_slow_subscriber_is_disconnected_and_the_others_get_every_event(stack, publish, key, keys):
    """After a burst that exceeds every queue, the others have all of it in order, and none is disconnected."""
    with stack.another_web(**ONE, UDAPI_WEB_THREADS="8") as web, stalled(web.url, key):
        others = [Listener(web.url, one) for one in (key, *keys(2) * 3)]
        assert Listener(web.url, key).response.status_code == 503
        large_events(3_000)
        for other in others:
            positions = [message.id for message in other.wait_for(3_000, 60)]
            assert positions == list(range(positions[0], positions[0] + 3_000))
            assert not other.has_ended.is_set()
        publish.token()
        for other in others:
            other.wait_for(3_001)
        wait_until(lambda: _is_free(web, key), 20, "the slot of the slow subscriber")
        for other in others:
            other.close()


def test_200_idle_subscribers_leave_triggers_and_events_working(stack, publish, keys):
    """More than the waiting slots and the database connections. `benchmarks/streams.py` measures what they cost."""
    api = publish(QUICK)
    with stack.another_web(**ONE, UDAPI_WEB_THREADS="200") as web:
        with ThreadPoolExecutor(20) as threads:
            listeners = list(threads.map(lambda key: Listener(web.url, key), keys(10) * 20))
        assert {listener.response.status_code for listener in listeners} == {200}
        with ThreadPoolExecutor(20) as callers:
            calls = [callers.submit(api.call, web.client) for _ in range(200)]
            assert {call.result().status_code for call in calls} == {200}
        publish.token()
        for listener in listeners:
            listener.wait_for(1)
        for listener in listeners:
            listener.close()
