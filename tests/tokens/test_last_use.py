"""When a token was last used: triggers note it in Redis, and a task moves it to the database."""

from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.db import OperationalError

from broker.installation import last_use_key
from events.models import InformationEvent
from testbed.stack import wait_until
from tokens import tasks
from tokens.models import ApiToken


@pytest.fixture
def notes(stack, monkeypatch):
    """The empty notes in the stack's Redis, which only the test moves."""
    with stack.redis_client() as client:
        client.delete(last_use_key())
        monkeypatch.setattr(tasks, "client", lambda: client)
        yield client
        client.delete(last_use_key())


def last_used(token):
    return ApiToken.objects.values_list("last_used", flat=True).get(pk=token.pk)


@pytest.mark.parametrize("limit", [{}, {"rate_limit": 5, "rate_window_seconds": 60}])
def test_a_trigger_notes_the_use_of_its_token(stack, publish, notes, limit):
    api = publish(token=publish.token(**limit))
    before = datetime.now(UTC)
    assert api.call(stack.client).status_code == 200
    tasks.move()
    # The clock of Redis may differ a little from this one.
    assert before - timedelta(seconds=5) <= last_used(api.token) <= datetime.now(UTC) + timedelta(seconds=5)


def test_a_refused_trigger_is_no_use(stack, publish, notes):
    api, other = publish(), publish()
    assert api.call(stack.client, path=other.path).status_code == 401
    assert api.call(stack.client, path="/api/custom/nothing/here").status_code == 404
    assert tasks.move() == 0


def test_last_use_is_no_change_of_the_token(stack, publish, notes):
    api = publish()
    events = InformationEvent.objects.count()
    before = ApiToken.objects.values("revision", "last_modified", "last_modified_by").get(pk=api.token.pk)
    api.call(stack.client)
    tasks.move()
    assert ApiToken.objects.values("revision", "last_modified", "last_modified_by").get(pk=api.token.pk) == before
    assert InformationEvent.objects.count() == events


def test_an_older_note_does_not_undo_a_newer_one(publish, notes):
    token, _ = publish.token()
    for second in (2_000, 1_000):
        notes.hset(last_use_key(), str(token.pk), second * 1_000)
        tasks.move()
    assert last_used(token) == datetime.fromtimestamp(2_000, UTC)


def test_notes_of_a_token_that_is_gone_do_no_harm(publish, notes):
    token, _ = publish.token()
    notes.hset(last_use_key(), str(token.pk), 1_000)
    token.delete()
    assert tasks.move() == 1


def test_without_a_database_the_notes_are_given_back(publish, notes, monkeypatch):
    token, _ = publish.token()
    notes.hset(last_use_key(), str(token.pk), 1_000)

    def fail(token_id, milliseconds):
        # Meanwhile the token is used again.
        notes.hset(last_use_key(), str(token_id), 5_000)
        raise OperationalError

    monkeypatch.setattr(tasks, "_keep", fail)
    with pytest.raises(OperationalError):
        tasks.move()
    assert notes.hget(last_use_key(), str(token.pk)) == b"5000"


@pytest.mark.parametrize("error", [redis.ConnectionError("no broker"), OperationalError("no database")])
def test_notes_that_cannot_be_moved_now_are_moved_later(monkeypatch, caplog, error):
    def fail():
        raise error

    monkeypatch.setattr(tasks, "move", fail)
    tasks.move_last_use()
    assert str(error) in caplog.text
    assert "Traceback" not in caplog.text


def test_a_background_program_moves_the_notes_and_when_it_ends_what_is_left(breakable_stack, publish):
    first, later, stack = publish(), publish(), breakable_stack
    assert first.call(stack.client).status_code == 200
    background = stack.start_background()
    wait_until(lambda: last_used(first.token) is not None, what="the note in the database")
    assert later.call(stack.client).status_code == 200
    background.terminate()
    assert background.wait(30) == 0
    assert last_used(later.token) is not None
