"""The data directory of a stack of the tests, and the id of its installation."""

import secrets
from pathlib import Path

INSTALLATION = "tests"
"""Of the tests and their stacks, which share a database; so no test has to ask it for the id."""


def make_data_dir(path: Path) -> Path:
    """A data directory with the secrets that a first start would have made."""
    path.mkdir(mode=0o700)
    (path / "redis").mkdir(mode=0o700)
    files = {
        "secret_key": secrets.token_hex(32),
        "secret_peppers": f"1:{secrets.token_hex(32)}",
        "redis/password": secrets.token_hex(32),
    }
    for name, content in files.items():
        (path / name).write_text(content)
        (path / name).chmod(0o600)
    return path
