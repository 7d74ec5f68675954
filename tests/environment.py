"""A throw-away environment for each test process, made before Django reads its settings (`-p tests.environment`)."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from tests import postgresql

# What the machine's environment says about the product must not reach the tests.
_OURS = ("UDAPI_", "DATABASE_URL", "REDIS_", "ELASTICSEARCH_", "DJANGO_")

# On PostgreSQL only what asks the database anything of its own; these run a stack whose database plays no part.
_WITHOUT_ENGINE = ("launcher", "browser", "broker", "chaos", "edge", "docs", "demo", "automation/rogue")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--database=postgresql` runs the suite on PostgreSQL."""
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """On PostgreSQL, leave out what would run there just as it does on SQLite."""
    if config.getoption("database") == "sqlite" or not collection_path.is_relative_to(config.rootpath / "tests"):
        return None
    name = collection_path.relative_to(config.rootpath / "tests").as_posix()
    return True if name in _WITHOUT_ENGINE or name.startswith("automation/test_host") else None


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Before pytest-django loads the settings."""
    root = Path(tempfile.mkdtemp(prefix="udapi-tests-"))
    early_config.add_cleanup(lambda: shutil.rmtree(root, ignore_errors=True))
    if "ELASTICSEARCH_URL" in os.environ:
        os.environ["TESTS_ELASTICSEARCH_URL"] = os.environ["ELASTICSEARCH_URL"]
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        del os.environ[name]
    data_dir = make_data_dir(root / "data")
    os.environ |= {"UDAPI_DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "udapi_site.settings"}
    if early_config.known_args_namespace.database == "postgresql":
        os.environ["DATABASE_URL"] = postgresql.url(root)
    return (yield)


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
