"""Ended sessions do not stay in the database for ever."""

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db import DatabaseError
from django.utils import timezone

from access import sessions
from tests.stack import wait_until


def _session(key: str, days: int) -> str:
    Session.objects.create(session_key=key, session_data="", expire_date=timezone.now() + timedelta(days=days))
    return key


def test_a_worker_node_removes_them_when_it_starts(own_stack):
    ended, open_ = _session("ended", -1), _session("open", 1)
    try:
        own_stack()
        wait_until(lambda: not Session.objects.filter(pk=ended).exists(), 30, "the end of an ended session")
        assert Session.objects.filter(pk=open_).exists()
    finally:
        Session.objects.filter(pk__in=[ended, open_]).delete()


def test_they_are_removed_again_and_again(monkeypatch):
    done = []
    monkeypatch.setattr(sessions, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(sessions, "remove_ended", lambda: done.append(1))
    sweeper = sessions.Sweeper()
    sweeper.start()
    wait_until(lambda: len(done) >= 3, 30, "three times")
    sweeper.stop()


def test_a_database_that_is_away_ends_nothing(open_db, monkeypatch, caplog):
    def refuse(cls: object) -> None:
        raise DatabaseError("away")

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.clear_expired", classmethod(refuse))
    sessions.remove_ended()
    assert "away" in caplog.text
