"""Each log-in leaves one log line, and nothing typed is stored in the database."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from keys.changes import create_key
from keys.models import PersonalKey
from logins import hash_slots
from logins.models import AttemptCounter
from tests.logins.conftest import PASSWORD, api, console

TYPED = "what nobody but its owner may know"


@pytest.fixture
def lines(caplog):
    """The lines of log-ins so far."""
    caplog.set_level("INFO")

    def lines() -> list[str]:
        found = [record for record in caplog.records if record.name in {"udapi.audit.logins", "udapi.refused.logins"}]
        return [f"{record.levelname} {record.getMessage()}" for record in found]

    return lines


def test_console_log_in_and_log_out_are_logged(joe, lines):
    client = Client()
    client.post("/console/login/", {"username": "joe", "password": PASSWORD})
    client.post("/console/logout/")
    assert lines() == [
        "INFO log-in of 'joe' from 127.0.0.1: console",
        "INFO log-out of 'joe' from 127.0.0.1",
    ]


def test_a_log_in_with_http_basic_is_logged(joe, lines, settings):
    settings.UDAPI_TRUSTED_PROXIES = ["127.0.0.1"]
    assert api(HTTP_X_FORWARDED_FOR="192.0.2.7").status_code == 200
    assert lines() == ["INFO log-in of 'joe' from 192.0.2.7: HTTP Basic"]


@pytest.mark.parametrize("attempt", [api, console])
def test_a_wrong_password_and_an_unknown_user_are_logged(joe, lines, attempt):
    attempt(password=TYPED)
    attempt(TYPED, TYPED)
    assert lines() == [
        "WARNING log-in of 'joe' from 127.0.0.1 refused: The user name or password is wrong.",
        "WARNING log-in of an unknown user from 127.0.0.1 refused: The user name or password is wrong.",
    ]


def test_impossible_user_names_are_not_repeated(joe, lines):
    for name in ("j\0e", "\udc80", "n" * 151):
        assert api(name.encode(errors="surrogateescape").decode("latin-1"), TYPED).status_code == 401
    assert {re.sub(": .*", "", line) for line in lines()} == {
        "WARNING log-in of an unknown user from 127.0.0.1 refused"
    }


def test_locked_and_busy_attempts_are_logged(joe, lines, monkeypatch):
    for _ in range(11):
        api(password="wrong")
    assert lines()[10:] == [
        "WARNING log-in of 'joe' from 127.0.0.1 refused: Too many failed log-in attempts, try again later."
    ]
    AttemptCounter.objects.all().delete()
    monkeypatch.setattr(hash_slots, "WAIT_SECONDS", 0)
    monkeypatch.setattr(hash_slots, "count", lambda: 1)
    with hash_slots.slots.hold():
        api()
    assert lines()[-1] == (
        "WARNING log-in of 'joe' from 127.0.0.1 refused: Too many log-ins at the same time, try again in a moment."
    )


@pytest.mark.parametrize("key", ["", "x", "x y", "udapik" + "0" * 64, "\xff"])
def test_a_refused_key_is_logged(joe, lines, key):
    _, good = create_key(joe, "ci", 1)
    assert Client().get("/api/management/tokens/", headers={"Authorization": f"Token {good}"}).status_code == 200
    assert lines() == []
    assert Client().get("/api/management/tokens/", headers={"Authorization": f"Token {key}"}).status_code == 401
    (line,) = lines()
    assert line.startswith("WARNING personal key from 127.0.0.1 refused: ")
    assert "udapik" not in line


def test_the_owner_of_a_refused_key_is_named_where_that_is_known(joe, lines):
    _, expired = create_key(joe, "old", 1)
    PersonalKey.objects.update(expiry=timezone.now())
    _, key = create_key(joe, "ci", 1)
    User.objects.update(is_active=False)
    for used in (expired, key):
        assert Client().get("/api/management/tokens/", headers={"Authorization": f"Token {used}"}).status_code == 401
    assert lines() == [
        "INFO personal key of 'joe' has expired",
        "WARNING personal key from 127.0.0.1 refused: Invalid token.",
        "WARNING personal key from 127.0.0.1 refused: Its owner 'joe' is not active.",
    ]


def test_an_account_without_a_flag_leaves_a_line(db, cheap, lines):
    User.objects.create_user("ann", password=PASSWORD)
    assert console("ann").status_code == 200
    assert lines() == ["WARNING log-in of 'ann' from 127.0.0.1 refused: The account has no permission flag."]


@pytest.mark.parametrize("attempt", [api, console])
def test_nothing_that_was_typed_is_logged(joe, attempt):
    attempt(password=TYPED)
    attempt(TYPED, TYPED)
    assert AttemptCounter.objects.count() == 3
    kept = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  a name from the database
            kept += [row for row in cursor.fetchall() if TYPED in str(row)]
    assert not kept
    assert "joe" not in str(list(AttemptCounter.objects.values()))


def test_a_counter_tells_no_name_to_whoever_lacks_the_secret_key(joe, settings):
    api(password="wrong")
    before = set(AttemptCounter.objects.values_list("key", flat=True))
    AttemptCounter.objects.all().delete()
    settings.SECRET_KEY = "another key"
    api(password="wrong")
    assert not before & set(AttemptCounter.objects.values_list("key", flat=True))
