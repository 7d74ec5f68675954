"""The sliding window of a token: exact, for all processes together, whatever the clients do."""

import logging
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import httpx
import pytest
import redis

from broker.installation import prefix
from objects.changes import save_checked
from testbed.publisher import Publisher
from testbed.stack import Stack
from tokens.rate_limit import retry_after

# An admitted request ends with this error: nothing is published there, and the route is looked up after the limit.
NOWHERE = "/api/custom/nowhere"
ADMITTED, REFUSED = 404, 429


@dataclass
class TimedResponse:
    sent: float
    received: float
    status: int
    retry_after: str | None


class ThreadedClient:
    """A client for each thread."""

    def __init__(self, secret: str) -> None:
        self._headers = {"Authorization": f"Bearer {secret}"}
        self._here = threading.local()

    def __call__(self, url: str) -> TimedResponse:
        if not hasattr(self._here, "client"):
            self._here.client = httpx.Client(timeout=30)
        sent = time.monotonic()
        response = self._here.client.get(url + NOWHERE, headers=self._headers)
        return TimedResponse(sent, time.monotonic(), response.status_code, response.headers.get("Retry-After"))


@pytest.fixture(autouse=True)
def few_words(caplog):
    """httpx logs each request, and there are thousands."""
    caplog.set_level(logging.WARNING, "httpx")


def _limited(limit: int, window: int):
    return Publisher().token(rate_limit=limit, rate_window_seconds=window)


def _stamps(client: redis.Redis, token_id: uuid.UUID) -> list[int]:
    """The times at which Redis admitted requests, in microseconds."""
    return [int(stamp) for stamp in client.lrange(f"{prefix()}rate:{token_id.hex}", 0, -1)]


def _now(client: redis.Redis) -> int:
    seconds, microseconds = client.time()
    return seconds * 1_000_000 + microseconds


def test_of_100_at_once_exactly_the_limit_gets_through(stack: Stack):
    _, secret = _limited(10, 2)
    call = ThreadedClient(secret)
    start = threading.Barrier(100)

    def one(number: int) -> TimedResponse:
        start.wait(30)
        return call(stack.url)

    with ThreadPoolExecutor(100) as threads:
        answers = list(threads.map(one, range(100)))
    began, ended = min(answer.sent for answer in answers), max(answer.received for answer in answers)
    admitted = [answer for answer in answers if answer.status == ADMITTED]
    assert {answer.status for answer in answers} == {ADMITTED, REFUSED}
    # On a machine so slow that a second window begins, ten more may pass.
    windows = 1 + int((ended - began) / 2)
    assert 10 <= len(admitted) <= 10 * windows
    assert {answer.retry_after for answer in answers if answer.status == REFUSED} <= {"1", "2"}
    assert {answer.retry_after for answer in admitted} == {None}


def test_no_window_ever_holds_more_while_two_gunicorns_are_hammered(stack: Stack):
    token, secret = _limited(10, 2)
    call = ThreadedClient(secret)
    with stack.another_web() as another, ThreadPoolExecutor(8) as threads:
        ends = time.monotonic() + 8

        def hammer(number: int) -> list[TimedResponse]:
            answers: list[TimedResponse] = []
            while time.monotonic() < ends:
                answers.append(call((stack.url, another.url)[len(answers) % 2]))
            return answers

        answers = [answer for each in threads.map(hammer, range(8)) for answer in each]
        with stack.redis_client() as client:
            stamps = _stamps(client, token.pk)
    admitted = [answer for answer in answers if answer.status == ADMITTED]
    assert {answer.status for answer in answers} == {ADMITTED, REFUSED}
    assert len(answers) > 200, "hammered too softly"
    # Each was admitted between being sent and being answered: no eleven of them surely lie in one window.
    by_answer = sorted(admitted, key=lambda answer: answer.received)
    for eleven in (by_answer[n : n + 11] for n in range(len(by_answer) - 10)):
        assert eleven[-1].received - min(answer.sent for answer in eleven) >= 1.99
    # And by Redis' own clock, to the microsecond.
    assert len(stamps) == len(admitted)
    assert all(later - earlier >= 2_000_000 for earlier, later in zip(stamps, stamps[10:], strict=False))
    # Nor is it too strict: a client that tries all the time gets ten in every window.
    assert 30 < len(admitted) <= 50
    assert all(later - earlier < 3_000_000 for earlier, later in zip(stamps, stamps[10:], strict=False))


def test_refused_requests_do_not_count_and_retry_after_is_right(stack: Stack):
    token, secret = _limited(2, 3)
    call = ThreadedClient(secret)
    assert [call(stack.url).status for _ in range(2)] == [ADMITTED] * 2
    with stack.redis_client() as client:
        before = _stamps(client, token.pk)
        while True:
            free = (before[0] + 3_000_000 - _now(client)) / 1_000_000
            answer = call(stack.url)
            if answer.status == ADMITTED:
                break
            assert free - 0.5 <= int(answer.retry_after or "") < free + 1
            assert int(answer.retry_after or "") >= 1
            time.sleep(0.3)
        after = _stamps(client, token.pk)
    # Whether Redis still keeps the two that have left the window does not matter.
    assert len(set(after) - set(before)) == 1
    assert 3_000_000 <= after[-1] - before[0] < 4_000_000


def test_a_caller_who_waits_for_retry_after_is_admitted(stack: Stack):
    token_id = uuid.uuid4()
    assert [retry_after(token_id, 1, 1) for _ in range(2)] == [0, 1]
    time.sleep(1)
    assert retry_after(token_id, 1, 1) == 0


def test_tokens_do_not_share_a_limit_and_one_without_has_none(stack: Stack):
    first, second = (ThreadedClient(_limited(1, 60)[1]) for _ in range(2))
    free = ThreadedClient(Publisher().token()[1])
    assert [call(stack.url).status for call in (first, first, second, second)] == [ADMITTED, REFUSED] * 2
    assert {free(stack.url).status for _ in range(30)} == {ADMITTED}


def test_a_changed_limit_holds_from_the_next_request(stack: Stack):
    token, secret = _limited(3, 60)
    call = ThreadedClient(secret)

    def change(limit: int | None, window: int | None) -> None:
        token.rate_limit, token.rate_window_seconds = limit, window
        save_checked(token, by="system")

    def admitted(tries: int) -> int:
        return [call(stack.url).status for _ in range(tries)].count(ADMITTED)

    assert admitted(5) == 3
    change(5, 60)
    assert admitted(5) == 2
    change(2, 60)
    assert admitted(2) == 0
    change(100, 86_400)
    assert admitted(97) == 95
    change(None, None)
    assert admitted(3) == 3
    change(100, 86_400)
    assert admitted(1) == 0
    change(1, 1)
    time.sleep(1)
    assert admitted(1) == 1


def test_a_shorter_window_frees_what_has_left_it(stack: Stack):
    token_id = uuid.uuid4()
    assert [retry_after(token_id, 2, 60) for _ in range(3)] == [0, 0, 60]
    time.sleep(1.01)
    assert [retry_after(token_id, 2, 1) for _ in range(3)] == [0, 0, 1]


@pytest.mark.parametrize("planted", [1, 5, 100])
def test_a_clock_that_was_set_back_neither_frees_nor_blocks_for_long(stack: Stack, planted):
    token_id = uuid.uuid4()
    key = f"{prefix()}rate:{token_id.hex}"
    with stack.redis_client() as client:
        hour_ahead = _now(client) + 3_600_000_000
        client.rpush(key, *(hour_ahead + n for n in range(planted)))
        client.expire(key, 3_602)
        assert 1 <= retry_after(token_id, planted, 2) <= 2
        assert all(stamp <= _now(client) for stamp in _stamps(client, token_id))
        assert len(_stamps(client, token_id)) == planted
        assert 0 < client.pttl(key) <= 2_001, "what nobody asks for any more must not stay"
        time.sleep(2.01)
        assert [retry_after(token_id, planted, 2) for _ in range(planted)] == [0] * planted
        assert retry_after(token_id, planted, 2) in {1, 2}


def test_nothing_is_kept_longer_than_the_window(stack: Stack):
    token_id = uuid.uuid4()
    key = f"{prefix()}rate:{token_id.hex}"
    with stack.redis_client() as client:
        for _ in range(300):
            retry_after(token_id, 100, 1)
        assert client.llen(key) == 100
        assert 0 < client.pttl(key) <= 1_001
        stamps = _stamps(client, token_id)
        assert all(earlier <= later for earlier, later in pairwise(stamps))
        time.sleep(1.1)
        assert not client.exists(key)
