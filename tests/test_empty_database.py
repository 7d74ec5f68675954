"""Commands refuse a database that is not the installation's: one without the product's tables."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from objects.commands import DatabaseCommand
from testbed.stack import ROOT

# These need no database, or, as `packages`, only for some of what they do.
WITHOUT = {"new_script", "packages", "run_script", "search_index"}


def refused(directory: Path, *command: str, **environment: str) -> str:
    """The output of a command in an environment whose data directory is empty."""
    secrets = {"UDAPI_SECRET_KEY": "k" * 50, "UDAPI_SECRET_PEPPERS": f"1:{'p' * 32}"}
    own = {"PATH": os.environ["PATH"], "UDAPI_DATA_DIR": str(directory)} | secrets | environment
    done = subprocess.run(
        [sys.executable, "manage.py", *command], cwd=ROOT, env=own, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def test_command_refuses_an_empty_data_directory_and_creates_no_database(tmp_path):
    told = refused(tmp_path, "create_token", "name")
    assert told.startswith(
        f"CommandError: DATABASE_URL is not set, and the database {tmp_path}/db.sqlite3 of UDAPI_DATA"
    )
    assert "has no tables of this product" in told
    assert "manage.py migrate" in told
    assert not (tmp_path / "db.sqlite3").exists()


def test_command_refuses_an_empty_file_that_the_url_names(tmp_path):
    (tmp_path / "empty.sqlite3").touch()
    told = refused(tmp_path, "peppers", DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3")
    assert told.startswith(f"CommandError: The database {tmp_path}/empty.sqlite3 of DATABASE_URL has no tables")


OURS = {name for name, app in get_commands().items() if (ROOT / app / "management").is_dir()}


def test_packages_of_scripts_need_the_database(tmp_path):
    assert "has no tables of this product" in refused(tmp_path, "packages", "list")


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_refuses_an_empty_database_or_needs_none(name):
    command = load_command_class(get_commands()[name], name)
    assert isinstance(command, DatabaseCommand) != (name in WITHOUT)
