"""The id of an installation, and what distinguishes its database from a copy."""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

from broker import installation
from foundation import env


@pytest.fixture
def kept_id(open_db, settings):
    """Reads the id like a new process that gets it from no setting."""
    settings.UDAPI_INSTALLATION = ""
    yield installation.installation_id.__wrapped__
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM broker_installation")


def fingerprint() -> str:
    """Like a new process, which has not read it yet."""
    return installation.fingerprint.__wrapped__()


def test_processes_that_find_no_id_make_one_together_and_keep_it(kept_id):
    with ThreadPoolExecutor(8) as callers:
        found = {future.result() for future in [callers.submit(kept_id) for _ in range(40)]}
    assert found == {kept_id()}
    assert re.fullmatch("[0-9a-f]{8}", found.pop())


def test_within_a_transaction_the_id_is_read_beside_it(kept_id):
    made = kept_id()
    with transaction.atomic():
        assert kept_id() == made


def test_id_is_read_before_django_is_set_up(kept_id, monkeypatch, recwarn):
    with monkeypatch.context() as early:
        early.setattr(apps, "ready", False)
        assert kept_id()
    assert not recwarn.list, "Django warns of a database that is asked so early"


def test_a_setting_overrides_the_id(kept_id, settings):
    kept_id()
    settings.UDAPI_INSTALLATION = "staging"
    assert kept_id() == "staging"


@pytest.mark.parametrize("value", ["Staging", "stag ing", "staging*", "s" * 41])
def test_invalid_id_in_the_settings_is_refused(monkeypatch, value):
    monkeypatch.setenv("UDAPI_INSTALLATION", value)
    with pytest.raises(ImproperlyConfigured, match="UDAPI_INSTALLATION must be 1 to 40 characters of"):
        env.installation("UDAPI_INSTALLATION")


def test_missing_or_empty_database_raises_instead_of_giving_an_id(kept_id, monkeypatch, tmp_path):
    (tmp_path / "empty").touch()
    wrong = str(tmp_path / "empty") if connection.vendor == "sqlite" else "nothing"
    monkeypatch.setitem(connection.settings_dict, "NAME", wrong)
    with pytest.raises(installation.UnknownInstallationError, match="does not tell the installation's id"):
        kept_id()


@pytest.fixture
def file(monkeypatch, tmp_path):
    """The file of a separate database."""
    if connection.vendor != "sqlite":
        pytest.skip("about SQLite")
    file = tmp_path / "db.sqlite3"
    file.write_text("a database")
    monkeypatch.setitem(connection.settings_dict, "NAME", str(file))
    return file


def test_a_file_keeps_its_fingerprint_and_a_copy_has_another(file: Path, monkeypatch):
    ours = fingerprint()
    file.write_text("another content")
    assert fingerprint() == ours
    copy = Path(shutil.copy2(file, file.parent / "copy"))
    monkeypatch.setitem(connection.settings_dict, "NAME", str(copy))
    assert fingerprint() != ours
    copy.rename(file)
    monkeypatch.setitem(connection.settings_dict, "NAME", str(file))
    assert fingerprint() != ours, "a backup that was put in its place"


def test_fingerprint_differs_between_machines(file: Path, monkeypatch, tmp_path):
    ours = fingerprint()
    (tmp_path / "machine-id").write_text("0123456789abcdef\n")
    monkeypatch.setattr(installation, "_MACHINE_ID", tmp_path / "machine-id")
    assert fingerprint() != ours


def test_a_database_knows_whether_it_used_the_id_elsewhere(kept_id, settings, monkeypatch):
    kept_id()
    assert not installation.has_moved(), "it has used none"
    installation.settle()
    assert not installation.has_moved()
    monkeypatch.setattr(installation, "fingerprint", lambda: "another")
    assert installation.has_moved()
    ours, settings.REDIS_URL = settings.REDIS_URL, "redis://another.example.com:6379/0"
    assert not installation.has_moved(), "a Redis of its own"
    settings.REDIS_URL = ours
    monkeypatch.setattr(installation, "installation_id", lambda: "staging")
    assert not installation.has_moved(), "an id of its own"
    installation.settle()
    assert not installation.has_moved()


def test_missing_database_file_has_no_fingerprint(file: Path):
    file.unlink()
    with pytest.raises(installation.UnknownInstallationError, match="cannot be found"):
        fingerprint()


@pytest.fixture
def server(open_db):
    """A cursor on the PostgreSQL of the tests."""
    if connection.vendor != "postgresql":
        pytest.skip("about PostgreSQL")
    with connection.cursor() as cursor:
        yield cursor


@pytest.mark.parametrize(("name", "value"), [("NAME", "template1"), ("PORT", 5433), ("HOST", "db2.example.com")])
def test_databases_of_a_server_and_copies_of_it_differ(server, monkeypatch, name, value):
    ours = fingerprint()
    assert fingerprint() == ours
    monkeypatch.setattr(installation, "_system_identifier", lambda: "the same")
    same = fingerprint()
    assert same != ours, "a dump that was restored elsewhere"
    monkeypatch.setitem(connection.settings_dict, name, value)
    assert fingerprint() != same


def test_a_role_that_may_not_ask_for_the_systems_identifier_has_a_fingerprint(server, monkeypatch):
    ours = fingerprint()
    server.execute("CREATE ROLE modest LOGIN")
    server.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    monkeypatch.setitem(connection.settings_dict, "USER", "modest")
    try:
        modest = fingerprint()
        assert modest == fingerprint() != ours
    finally:
        server.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")
        server.execute("DROP ROLE modest")
