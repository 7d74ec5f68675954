"""An export holds no database connection while it is sent, and contains every event once."""

import json
from contextlib import ExitStack
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from events import exports
from events.models import InformationEvent, ObjectType, Verb
from tests.edge.slowness import receiver
from tests.endpoint.wire import head

EXPORT = "/api/management/events/export/jsonl/"
MANY = 4_000
LONG = "x" * 5_000
"""An export of these does not fit into the buffers of a connection."""
READERS = 12
"""More than the connections of a process to PostgreSQL."""
POOL = {"UDAPI_DATABASE_POOL_SIZE": "4", "UDAPI_WEB_WORKERS": "1", "UDAPI_WEB_THREADS": "64"}


@pytest.fixture
def many(open_db):
    """Events with a large export."""
    kind, verb = ObjectType.API_TOKEN, Verb.ADDED
    new = (
        InformationEvent(user="somebody", verb=verb, object_type=kind, object_id=uuid4(), message=f"{number} {LONG}")
        for number in range(MANY)
    )
    InformationEvent._base_manager.bulk_create(new, 500)


@pytest.fixture
def reader(open_db, key_of):
    """The Authorization header of a superuser."""
    user = User.objects.create_superuser("reader")
    yield {"Authorization": f"Token {key_of(user)}"}
    user.delete()


def test_slow_readers_of_exports_leave_the_database_to_others(stack, publish, many, reader):
    api = publish()
    asks = head("GET", EXPORT, *reader.items())
    with stack.another_web(**POOL, UDAPI_SILENCE_SECONDS="60") as web, ExitStack() as readers:
        for _ in range(READERS):
            readers.enter_context(receiver(web.url, asks))
        for _ in range(5):
            assert api.call(web.client, timeout=20).status_code == 200
        assert web.client.get("/api/management/tokens/", headers=reader, timeout=20).status_code == 200


def test_slow_readers_of_a_list_leave_the_database_to_others(stack, publish, many, reader):
    """Not only exports: any large answer is sent without a database connection."""
    api = publish()
    asks = head("GET", "/api/management/events/?limit=1000", *reader.items())
    with stack.another_web(**POOL, UDAPI_SILENCE_SECONDS="60") as web, ExitStack() as readers:
        for _ in range(READERS):
            readers.enter_context(receiver(web.url, asks))
        assert api.call(web.client, timeout=20).status_code == 200


def test_export_of_many_pages_has_every_event_once_and_in_order(stack, many, reader):
    answer = stack.client.get(EXPORT, headers=reader, params={"verb": "added", "objectType": "ApiToken"})
    numbers = [int(json.loads(line)["message"].split()[0]) for line in answer.text.splitlines()]
    assert numbers == list(range(MANY))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_exports_with_full_and_partial_last_pages_are_complete(make, monkeypatch, size):
    make()
    monkeypatch.setattr(exports, "PAGE", size)
    events = InformationEvent.objects.exclude(object_type__in=["User", "PersonalKey"])
    assert list(exports.in_pages(events)) == list(events.order_by("number"))


def test_events_recorded_during_an_export_are_not_in_it(make, monkeypatch):
    make()
    monkeypatch.setattr(exports, "PAGE", 1)
    events = InformationEvent.objects.all()
    before, exported = events.count(), exports.in_pages(events)
    first = next(exported)
    make()
    assert [first, *exported] == list(events.order_by("number")[:before])


def test_export_without_events_is_empty(db):
    assert list(exports.in_pages(InformationEvent.objects.filter(message="nothing like this"))) == []
