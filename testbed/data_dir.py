"""The data directory of a stack, and a process of the product on it."""

import base64
import logging
import os
import secrets
from pathlib import Path

INSTALLATION = "tests"
"""The id of the installation that the tests and their stacks are, so that no test has to look it up."""


def make_data_dir(path: Path) -> Path:
    """Create a data directory with the secrets that a first start would make."""
    for directory in (path, path / "redis"):
        directory.mkdir(mode=0o700)
    files = {
        "secret_key": secrets.token_hex(32),
        "secret_peppers": f"1:{secrets.token_hex(32)}",
        "credential_keys": ",".join(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() for _ in range(2)),
        "redis/password": secrets.token_hex(32),
    }
    for name, content in files.items():
        (path / name).write_text(content)
        (path / name).chmod(0o600)
    return path


def set_up_django(data_dir: Path, **environment: str) -> None:
    """Make this process a Django process of the installation on `data_dir`, and migrate its database."""
    os.environ |= {"UDAPI_DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "udapi_site.settings"} | environment
    import django
    from django.core.management import call_command

    django.setup()
    # httpx logs each request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    call_command("migrate", verbosity=0)
