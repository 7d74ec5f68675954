"""Secrets that the first start makes: Django's key, the pepper, the key of credentials, the password of Redis."""

import base64
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from foundation import env
from foundation.data_directory import DataDir
from launcher import private
from launcher.steps import StartError, step

SECRET_BYTES = 32


def make_missing(data: DataDir) -> None:
    """Make each secret that neither the environment nor a file gives, in a file of mode 600.

    Raises:
        StartError: a pepper or a key of credentials is gone while the database that needs it is still there.
        ImproperlyConfigured: a `…_FILE` cannot be read.
    """
    files = {
        "secret key": ("UDAPI_SECRET_KEY", data.secret_key_file),
        "pepper": ("UDAPI_SECRET_PEPPERS", data.peppers_file),
        "credential key": ("UDAPI_CREDENTIAL_KEYS", data.credential_keys_file),
        "Redis password": ("REDIS_URL", data.redis_password_file),
    }
    with step("Secrets") as done:
        missing = {
            name: file for name, (variable, file) in files.items() if not (file.exists() or env.text(variable, ""))
        }
        if "pepper" in missing and data.database_file.exists():
            raise _lost(data.peppers_file, "UDAPI_SECRET_PEPPERS", "tokens")
        if "credential key" in missing and _has_credentials(data.database_file):
            raise _lost(data.credential_keys_file, "UDAPI_CREDENTIAL_KEYS", "credentials")
        is_left_out = "credential key" in missing and _is_shared()
        if is_left_out:
            del missing["credential key"]
        for name, file in missing.items():
            private.directory(file.parent)
            private.write(file, f"{_generate(name)}\n")
        made = f"made: {', '.join(missing)}" if missing else "present"
        done(f"{made}; to store credentials, set UDAPI_CREDENTIAL_KEYS on every machine" if is_left_out else made)


def _generate(name: str) -> str:
    if name == "credential key":
        return base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return f"{'1:' if name == 'pepper' else ''}{secrets.token_hex(SECRET_BYTES)}"


def _lost(file: Path, variable: str, needed_by: str) -> StartError:
    return StartError(
        f"{file} is missing and {variable} is not set, but there is a database whose {needed_by} need it: "
        "restore the file from your backup, or move the database away to start anew."
    )


def _is_shared() -> bool:
    """Whether other machines seem to share the database: a key of this machine alone would lock them out."""
    return bool(env.text("DATABASE_URL", "") and env.text("UDAPI_SECRET_PEPPERS", ""))


def _has_credentials(database: Path) -> bool:
    """Whether the embedded database has credentials. That of the release before has no table of them."""
    if env.text("DATABASE_URL", "") or not database.exists():
        return False
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'automation_credential'").fetchall()
        return bool(tables and connection.execute("SELECT 1 FROM automation_credential LIMIT 1").fetchall())
