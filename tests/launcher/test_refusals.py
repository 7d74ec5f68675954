"""A start that cannot succeed ends with one sentence that says what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

from testbed.stack import ROOT, free_port
from tests.launcher.launcher_process import refused


def test_unknown_arguments_start_nothing() -> None:
    asked = [sys.executable, "-m", "launcher", "--help"]
    ended = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout + ended.stderr) == (2, "Usage: python -m launcher [worker]\n")


def test_an_unwritable_data_directory_is_refused() -> None:
    sentence = refused(Path("/proc/udapi"))
    assert sentence.startswith("Error: The directory /proc/udapi cannot be written to")
    assert "UDAPI_DATA_DIR" in sentence


def test_an_unwritable_log_directory_is_refused(tmp_path: Path) -> None:
    sentence = refused(tmp_path / "data", free_port(), UDAPI_LOG_DIR="/proc/udapi")
    assert "UDAPI_LOG_DIR" in sentence


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("UDAPI_WEB_THREADS", "many", "a whole number from 8 to 4096"),
        ("UDAPI_DEMO", "yes", "a whole number from 0 to 1"),
        ("UDAPI_TRUSTED_PROXIES", "10.0.0.1, proxy", "IP addresses or networks"),
        ("REDIS_URL", "http://127.0.0.1", "a redis://, rediss:// or unix:// address"),
        ("REDIS_URL", "rediss://127.0.0.1?ssl_cert_reqs=none", "certificate is always verified"),
        ("REDIS_URL", "redis://:secret@a.example.com:6379,b.example.com:6379", "name one server"),
        ("REDIS_URL", "redis+cluster://a.example.com:6379", "name one server"),
        ("UDAPI_INSTALLATION", "Staging", "1 to 40 characters of a-z, 0-9 and -"),
        ("UDAPI_TASK_MODULES", "no.such.module", "modules that Python finds"),
        ("DATABASE_URL", "mysql://127.0.0.1/x", "a postgresql:// address"),
        ("UDAPI_SECRET_PEPPERS", "short", "UDAPI_SECRET_PEPPERS must look like"),
        ("UDAPI_CREDENTIAL_KEYS", "c2hvcnQ=", "each 32 random bytes in URL-safe base64"),
        ("UDAPI_SECRET_KEY_FILE", "/nowhere", "UDAPI_SECRET_KEY_FILE must be a readable file"),
    ],
)
def test_an_unusable_setting_is_named(tmp_path: Path, name: str, value: str, says: str) -> None:
    sentence = refused(tmp_path / "data", free_port(), **{name: value})
    assert sentence.startswith("Error: ")
    assert name in sentence
    assert says in sentence
    assert "c2hvcnQ=" not in sentence


def test_a_foreign_address_is_refused(tmp_path: Path) -> None:
    sentence = refused(tmp_path / "data", free_port(), UDAPI_HOST="192.0.2.1")
    assert "UDAPI_HOST" in sentence


def test_an_unreachable_database_is_refused(tmp_path: Path) -> None:
    url = f"postgresql://somebody:hidden@127.0.0.1:{free_port()}/nothing"
    sentence = refused(tmp_path / "data", free_port(), DATABASE_URL=url)
    assert "DATABASE_URL" in sentence
    assert "hidden" not in sentence


def test_a_lost_pepper_is_not_replaced(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "db.sqlite3").touch()
    assert "secret_peppers is missing" in refused(data_dir)
    assert not (data_dir / "secret_peppers").exists()


def test_an_invalid_administrator_name_is_refused(tmp_path: Path) -> None:
    sentence = refused(tmp_path / "data", free_port(), UDAPI_ADMIN_USER="no spaces, please")
    assert "UDAPI_ADMIN_USER" in sentence
