"""Secrets that the first start makes: Django's key, the pepper, the password of the embedded Redis."""

import secrets

from foundation import env
from foundation.data_directory import DataDir
from launcher import private
from launcher.steps import StartError, step

SECRET_BYTES = 32


def make_missing(data: DataDir) -> None:
    """Make each secret that neither the environment nor a file gives, in a file of mode 600.

    Raises:
        StartError: the pepper is gone while the database is still there.
        ImproperlyConfigured: a `…_FILE` cannot be read.
    """
    files = {
        "secret key": ("UDAPI_SECRET_KEY", data.secret_key_file),
        "pepper": ("UDAPI_SECRET_PEPPERS", data.peppers_file),
        "Redis password": ("REDIS_URL", data.redis_password_file),
    }
    with step("Secrets") as done:
        missing = {
            name: file for name, (variable, file) in files.items() if not (file.exists() or env.text(variable, ""))
        }
        if "pepper" in missing and data.database_file.exists():
            raise StartError(
                f"{data.peppers_file} is missing and UDAPI_SECRET_PEPPERS is not set, but there is a database whose "
                "tokens need it: restore the file from your backup, or move the database away to start anew."
            )
        for name, file in missing.items():
            private.directory(file.parent)
            private.write(file, f"{'1:' if name == 'pepper' else ''}{secrets.token_hex(SECRET_BYTES)}\n")
        done(f"made: {', '.join(missing)}" if missing else "present")
