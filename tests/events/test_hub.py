"""The hub when the database fails, an error is unexpected, or a subscriber lags behind."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.db import DatabaseError

from events import hub as hubs
from events import positions
from events.models import ObjectType
from events.selection import Selection
from events.subscription import MOST_WAITING, StreamMessage, Subscription
from testbed.stack import wait_until


@dataclass(frozen=True)
class Everybody:
    """Stands for a `Reader` who may read everything."""

    def readable(self) -> frozenset[str]:
        return frozenset(ObjectType.values)


def subscription() -> Subscription:
    reader: Any = Everybody()
    return Subscription(Selection(), reader)


@pytest.fixture
def hub(open_db):
    """A hub of the test's own. Its thread has ended when the test has."""
    made = hubs.Hub()
    yield made
    made.end()
    for left in made._all():
        made.leave(left)
    wait_until(lambda: made._thread is None)


def test_database_outage_delays_events_but_loses_none(hub, publish, monkeypatch):
    subscriber = subscription()
    hub.join(subscriber)
    give, failures = positions.give, []

    def fail() -> int:
        failures.append(1)
        raise DatabaseError

    monkeypatch.setattr(positions, "give", fail)
    publish.token()
    wait_until(lambda: len(failures) >= 2)
    monkeypatch.setattr(positions, "give", give)
    message = subscriber.get(20)
    assert message is not None
    assert "was added by system" in message.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_unexpected_error_ends_all_streams_and_the_next_stream_starts_the_thread_again(hub, publish, monkeypatch):
    subscriber = subscription()
    with monkeypatch.context() as patch:
        patch.setattr(positions, "give", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            hub.join(subscriber)
        wait_until(lambda: subscriber.has_ended)
    hub.leave(subscriber)
    wait_until(lambda: hub._thread is None)
    another = subscription()
    hub.join(another)
    publish.token()
    assert another.get(20) is not None


def test_hub_thread_ends_with_its_last_subscriber_and_an_ending_hub_takes_none(hub):
    first = subscription()
    hub.join(first)
    hub.leave(first)
    wait_until(lambda: hub._thread is None)
    hub.end()
    with pytest.raises(hubs.EndingError):
        hub.join(subscription())


def test_messages_beyond_a_full_queue_are_dropped_until_the_subscriber_catches_up():
    subscriber = subscription()
    for number in range(MOST_WAITING + 5):
        subscriber.put(StreamMessage(number, ""))
    assert not subscriber.catches_up()
    taken = [subscriber.get(0) for _ in range(MOST_WAITING)]
    assert [message.position for message in taken if message] == list(range(MOST_WAITING))
    assert subscriber.get(60) is None, "a lagging subscriber waits for messages"
    assert subscriber.catches_up()
    assert not subscriber.catches_up()
    subscriber.put(StreamMessage(1_000, ""))
    assert subscriber.get(0) == StreamMessage(1_000, "")
