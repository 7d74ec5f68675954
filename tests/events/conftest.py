"""Fixtures of the tests of events."""

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User

from events.models import InformationEvent
from keys.models import PersonalKey
from testbed.listener import Listener
from testbed.publisher import Publisher


@pytest.fixture
def make(db):
    """Publishes scripts inside the test's transaction."""
    return Publisher()


@pytest.fixture
def events_of():
    """`events_of(obj)`: verb and user of its events, oldest first; `events_of(since=number)`: of all later events."""

    def events_of(obj=None, since: int = 0) -> list[tuple[str, str]]:
        found = InformationEvent.objects.filter(number__gt=since).order_by("number")
        found = found if obj is None else found.filter(object_id=getattr(obj, "pk", None) or obj)
        return list(found.values_list("verb", "user"))

    return events_of


@pytest.fixture
def last_number():
    """The number of the newest event so far."""
    return lambda: InformationEvent.objects.values_list("number", flat=True).first() or 0


@pytest.fixture
def person(open_db):
    """Creates users with exactly these flags, committed, and deletes them at the end."""
    made: list[int] = []
    numbers = itertools.count(1)

    def person(*flags: str) -> User:
        user = User.objects.create_user(f"listener {next(numbers)}")
        made.append(user.pk)
        for flag in flags:
            app_label, codename = flag.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
        return user

    yield person
    User.objects.filter(pk__in=made).delete()


@pytest.fixture
def key_of(open_db) -> Callable[[User], str]:
    """`key_of(user)` creates a personal key."""
    return lambda user: str(PersonalKey.objects.create(user=user, expiry=timedelta(hours=1))[1])


@pytest.fixture
def listen(stack, person, key_of):
    """`listen(url=…, key=…, last_id=…, objectType=…)` opens a live stream; all are closed at the end."""
    opened: list[Listener] = []

    def listen(key: str | None = None, url: str | None = None, last_id: str | None = None, **query: object) -> Listener:
        key = key or key_of(person("tokens.ui_available", "definitions.ui_available", "automation.ui_available"))
        opened.append(Listener(url or stack.url, key, last_id, query))
        return opened[-1]

    yield listen
    for listener in opened:
        listener.close()
