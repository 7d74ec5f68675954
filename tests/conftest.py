"""Fixtures for all tests: the database, the real stack, and what is published on it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from testbed import postgresql
from testbed.publishing import Publisher
from testbed.stack import Stack, own_data_dir


def pytest_runtest_setup(item):
    """An ordinary user cannot run what only root can."""
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs root: .ci/run runs this in a pass of its own")


@pytest.fixture(scope="session")
def postgresql_server(request):
    """The server, when the suite runs on PostgreSQL."""
    if request.config.getoption("database") != "postgresql":
        yield None
        return
    server = postgresql.Server(Path(os.environ["UDAPI_DATA_DIR"]).parent)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def django_db_setup(postgresql_server, django_db_blocker):
    """The settings' own database is a throw-away one, which the stack's processes share with the tests."""
    from django.db import connections

    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)
    yield
    with django_db_blocker.unblock():
        connections.close_all()


@pytest.fixture(scope="session")
def database_url():
    """The address of the tests' database."""
    return os.environ.get("DATABASE_URL", f"sqlite:///{settings.DATA_DIR.database_file}")


@pytest.fixture(scope="session")
def running_stack(django_db_setup, database_url):
    """One stack for all tests of this process; use `stack`, which also opens the database."""
    stack = Stack(settings.DATA_DIR.root, {"DATABASE_URL": database_url})
    yield stack
    stack.stop()


@pytest.fixture
def open_db(django_db_setup, django_db_blocker):
    """The database as other processes see it, without a transaction; emptied of the product's objects at the end."""
    with django_db_blocker.unblock():
        yield
        Publisher.clean()


@pytest.fixture
def stack(running_stack, open_db):
    """The running stack, and the database open for the test."""
    return running_stack


@pytest.fixture(scope="session")
def running_breakable_stack(django_db_setup, database_url, tmp_path_factory):
    """Use `breakable_stack`, which also opens the database."""
    root = tmp_path_factory.mktemp("breakable")
    data_dir, shared = own_data_dir(root / "data", database_url)
    stack = Stack(data_dir, shared | {"UDAPI_STATE_DIR": str(root / "kept" / "here")})
    yield stack
    stack.stop()


@pytest.fixture
def breakable_stack(running_breakable_stack, open_db):
    """A stack whose Redis and worker node a test may end: the next test gets it whole."""
    running_breakable_stack.mend()
    return running_breakable_stack


@pytest.fixture
def kept(running_stack, tmp_path) -> Iterator[Path]:
    """A directory of this test's that scripts of the stack may write to; it lies in their `STATE_DIRECTORY`."""
    directory: Path = running_stack.state_dir / tmp_path.name
    directory.mkdir(mode=0o700)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def own_stack(open_db, tmp_path_factory, database_url):
    """Makes stacks with settings of their own, or to be broken for good: `own_stack(UDAPI_…=…)`."""
    made = []

    def make(**environment: str) -> Stack:
        data_dir, shared = own_data_dir(tmp_path_factory.mktemp("stack") / "data", database_url)
        made.append(Stack(data_dir, shared | environment))
        return made[-1]

    yield make
    for stack in made:
        stack.stop()


@pytest.fixture
def publish(open_db):
    """Publishes scripts: `publish(source, route=…)` gives an API with `url`, `secret` and `headers`."""
    return Publisher()
