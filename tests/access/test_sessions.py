"""Expired sessions do not stay in the database for ever."""

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db import DatabaseError
from django.utils import timezone

from logins.tasks import clear_sessions
from udapi_site import timetable


def _session(key: str, days: int) -> str:
    Session.objects.create(session_key=key, session_data="", expire_date=timezone.now() + timedelta(days=days))
    return key


def test_expired_sessions_are_deleted_and_others_stay(db):
    expired, open_ = _session("expired", -1), _session("open", 1)
    clear_sessions()
    assert not Session.objects.filter(pk=expired).exists()
    assert Session.objects.filter(pk=open_).exists()


def test_expired_sessions_are_deleted_daily():
    assert timetable.entries()[clear_sessions.name]["schedule"] == timedelta(days=1)


def test_a_database_that_is_away_is_a_warning_without_a_traceback(open_db, monkeypatch, caplog):
    def refuse(cls: object) -> None:
        raise DatabaseError("away")

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.clear_expired", classmethod(refuse))
    clear_sessions()
    assert "away" in caplog.text
    assert "Traceback" not in caplog.text
