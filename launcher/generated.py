"""Secrets that the first start makes: Django's key, the pepper, the password of the embedded Redis."""

import secrets

from foundation import env
from foundation.data_directory import DataDir
from launcher import private
from launcher.steps import StartError, step

SECRET_BYTES = 32


def make_missing(data: DataDir) -> None:
    """Make, in files of mode 600, each secret that neither the environment nor a file gives.

    Raises:
        StartError: the pepper is gone while the database is still there.
        ImproperlyConfigured: a `…_FILE` cannot be read.
    """
    with step("Secrets") as done:
        made = [name for name, make in _MAKERS.items() if make(data)]
        done(f"made: {', '.join(made)}" if made else "there")


def _make_key(data: DataDir) -> bool:
    if data.secret_key_file.exists() or env.text("UDAPI_SECRET_KEY", ""):
        return False
    private.write(data.secret_key_file, secrets.token_hex(SECRET_BYTES) + "\n")
    return True


def _make_pepper(data: DataDir) -> bool:
    if data.peppers_file.exists() or env.text("UDAPI_SECRET_PEPPERS", ""):
        return False
    if data.database_file.exists():
        raise StartError(
            f"{data.peppers_file} is missing and UDAPI_SECRET_PEPPERS is not set, but there is a database whose "
            "tokens need it: put the file back from your backup, or move the database away to begin anew."
        )
    private.write(data.peppers_file, f"1:{secrets.token_hex(SECRET_BYTES)}\n")
    return True


def _make_redis_password(data: DataDir) -> bool:
    if data.redis_password_file.exists() or env.text("REDIS_URL", ""):
        return False
    private.directory(data.redis_dir)
    private.write(data.redis_password_file, secrets.token_hex(SECRET_BYTES) + "\n")
    return True


_MAKERS = {"secret key": _make_key, "pepper": _make_pepper, "Redis password": _make_redis_password}
