"""The thread that brings events, when something goes wrong around it."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.db import DatabaseError

from events import hub as hubs
from events import positions
from events.models import ObjectType
from events.selection import Selection
from events.subscription import MOST_WAITING, Message, Subscription
from testbed.stack import wait_until


@dataclass(frozen=True)
class Everybody:
    """A reader who may read everything."""

    def readable(self) -> frozenset[str]:
        return frozenset(ObjectType.values)


def subscription() -> Subscription:
    reader: Any = Everybody()
    return Subscription(Selection(), reader)


@pytest.fixture
def hub(open_db):
    """A hub of the test's own, whose thread is gone at the end."""
    made = hubs.Hub()
    yield made
    made.end()
    for left in made._all():
        made.leave(left)
    wait_until(lambda: made._thread is None, 5)


def test_an_outage_of_the_database_delays_and_loses_nothing(hub, publish, monkeypatch):
    subscriber = subscription()
    hub.join(subscriber)
    give, failures = positions.give, []

    def fail() -> int:
        failures.append(1)
        raise DatabaseError

    monkeypatch.setattr(positions, "give", fail)
    publish.token()
    wait_until(lambda: len(failures) >= 2, 5)
    monkeypatch.setattr(positions, "give", give)
    message = subscriber.get(5)
    assert message is not None
    assert "was added by system" in message.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_that_nobody_foresaw_ends_the_streams_and_the_next_one_starts_anew(hub, publish, monkeypatch):
    subscriber = subscription()
    with monkeypatch.context() as patch:
        patch.setattr(positions, "give", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            hub.join(subscriber)
        wait_until(lambda: subscriber.has_ended, 5)
    hub.leave(subscriber)
    wait_until(lambda: hub._thread is None, 5)
    another = subscription()
    hub.join(another)
    publish.token()
    assert another.get(5) is not None


def test_the_thread_ends_with_the_last_subscriber_and_takes_none_at_the_end(hub):
    first = subscription()
    hub.join(first)
    hub.leave(first)
    wait_until(lambda: hub._thread is None, 5)
    hub.end()
    with pytest.raises(hubs.EndingError):
        hub.join(subscription())


def test_what_finds_no_room_is_left_out_until_the_subscriber_catches_up():
    subscriber = subscription()
    for number in range(MOST_WAITING + 5):
        subscriber.put(Message(number, ""))
    assert not subscriber.catches_up()
    taken = [subscriber.get(0) for _ in range(MOST_WAITING)]
    assert [message.position for message in taken if message] == list(range(MOST_WAITING))
    assert subscriber.get(60) is None, "it waits although it lags"
    assert subscriber.catches_up()
    assert not subscriber.catches_up()
    subscriber.put(Message(1_000, ""))
    assert subscriber.get(0) == Message(1_000, "")
