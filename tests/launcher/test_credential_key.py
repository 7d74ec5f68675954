"""The key of credentials: made once, kept, and never replaced while something is encrypted under it."""

import sqlite3
from contextlib import closing

import pytest

from foundation import env
from foundation.data_directory import DataDir
from launcher.generated import make_missing
from launcher.steps import StartError

SECRETS = ("UDAPI_SECRET_KEY", "UDAPI_SECRET_PEPPERS", "UDAPI_CREDENTIAL_KEYS", "REDIS_URL", "DATABASE_URL")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data directory, and nothing that the environment gives."""
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    return DataDir(tmp_path)


def _database(data: DataDir, *statements: str) -> None:
    with closing(sqlite3.connect(data.database_file)) as connection:
        for statement in ("CREATE TABLE automation_automationscript (id)", *statements):
            connection.execute(statement)
        connection.commit()


def _keys(data: DataDir) -> tuple[str, ...]:
    return env.credential_keys("UDAPI_CREDENTIAL_KEYS", data.credential_keys_file)


def test_the_first_start_makes_a_key_for_this_user_only(data):
    make_missing(data)
    assert len(_keys(data)) == 1
    assert data.credential_keys_file.stat().st_mode & 0o777 == 0o600
    before = data.credential_keys_file.read_text()
    make_missing(data)
    assert data.credential_keys_file.read_text() == before


@pytest.mark.parametrize("statements", [[], ["CREATE TABLE automation_credential (id)"]], ids=["no table", "no row"])
def test_an_upgrade_makes_the_key_of_a_database_without_credentials(data, statements):
    make_missing(data)
    data.credential_keys_file.unlink()
    _database(data, *statements)
    make_missing(data)
    assert len(_keys(data)) == 1


def test_a_lost_key_is_not_replaced(data):
    make_missing(data)
    data.credential_keys_file.unlink()
    _database(data, "CREATE TABLE automation_credential (id)", "INSERT INTO automation_credential VALUES (1)")
    with pytest.raises(StartError, match=r"credential_keys is missing .* whose credentials need it"):
        make_missing(data)
    assert not data.credential_keys_file.exists()


def test_no_key_is_made_on_one_of_several_machines(data, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example.com/udapi")
    monkeypatch.setenv("UDAPI_SECRET_PEPPERS", f"1:{'p' * 32}")
    make_missing(data)
    assert _keys(data) == ()
    assert "set UDAPI_CREDENTIAL_KEYS on every machine" in capsys.readouterr().out
    monkeypatch.setenv("UDAPI_CREDENTIAL_KEYS", "A" * 43 + "=")
    make_missing(data)
    assert "set UDAPI" not in capsys.readouterr().out
