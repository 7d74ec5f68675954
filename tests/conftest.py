"""Fixtures for all tests: the database, the real stack, and what publishes scripts on it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.signals import setting_changed
from django.test.client import ClientHandler
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from testbed import postgresql
from testbed.publisher import Publisher
from testbed.stack import Stack, own_data_dir

# A busy machine is slow, and says nothing about the product.
hypothesis_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("patient")

_BREAKABLE = pytest.StashKey[Stack]()

# Fixtures of pytest-django around every test: for mail, sites, live servers, urls, templates and unittest.
# No test has these, and making the fixtures takes a noticeable part of the time of a test that needs nothing.
_UNUSED = frozenset(
    {
        *("_dj_autoclear_mailbox", "_django_clear_site_cache", "_live_server_helper", "_django_set_urlconf"),
        *("_django_isolate_apps", "_template_string_if_invalid_marker", "_django_setup_unittest"),
    }
)


def pytest_collection_modifyitems(items):
    """Take out the fixtures that no test needs."""
    for item in items:
        if not _UNUSED.isdisjoint(item.fixturenames):
            # One list for all parameters of a test.
            item.fixturenames[:] = [name for name in item.fixturenames if name not in _UNUSED]


def pytest_runtest_setup(item):
    """Skip tests that need root."""
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs root: .ci/run runs this in a pass of its own")


@pytest.fixture(scope="session", autouse=True)
def shared_middleware():
    """Test clients share their middleware, as all requests to a web server do, until a setting changes.

    Each would load it anew, which takes ten times as long as a request.
    """
    loaded: list[Callable[..., Any]] = []
    load = ClientHandler.load_middleware

    def load_once(handler: Any) -> None:
        if not loaded:
            load(handler)
            loaded.append(handler._middleware_chain)
        handler._middleware_chain = loaded[0]

    def forget(*, setting: str, **_: object) -> None:
        if setting != "PASSWORD_HASHERS":
            loaded.clear()

    setting_changed.connect(forget)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientHandler, "load_middleware", load_once)
        yield
    setting_changed.disconnect(forget)


@pytest.fixture(scope="session")
def postgresql_server(request):
    """The server if the suite runs on PostgreSQL, otherwise None."""
    if request.config.getoption("database") != "postgresql":
        yield None
        return
    with postgresql.PostgresqlServer(Path(os.environ["UDAPI_DATA_DIR"]).parent) as server:
        yield server


@pytest.fixture(scope="session")
def django_db_setup(postgresql_server, django_db_blocker):
    """Migrates the temporary database of the settings, which the stack's processes share with the tests."""
    from django.db import connections

    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)
    yield
    with django_db_blocker.unblock():
        connections.close_all()


@pytest.fixture(scope="session")
def database_url():
    return os.environ.get("DATABASE_URL", f"sqlite:///{settings.DATA_DIR.database_file}")


@pytest.fixture(scope="session")
def running_stack(django_db_setup, database_url):
    """The one stack of this test process; use `stack`, which also opens the database."""
    with Stack(settings.DATA_DIR.root, {"DATABASE_URL": database_url}) as stack:
        yield stack


@pytest.fixture
def open_db(django_db_setup, django_db_blocker):
    """Opens the database without a transaction, as other processes do, and deletes the product's objects afterwards."""
    with django_db_blocker.unblock():
        yield
        Publisher.clean()


@pytest.fixture
def stack(running_stack, open_db):
    """The running stack, with an open database."""
    return running_stack


@pytest.fixture(scope="session")
def running_breakable_stack(django_db_setup, database_url, tmp_path_factory, request):
    """Use `breakable_stack`, which also opens the database."""
    root = tmp_path_factory.mktemp("breakable")
    data_dir, shared = own_data_dir(root / "data", database_url)
    with Stack(data_dir, shared | {"UDAPI_STATE_DIR": str(root / "kept" / "here")}) as stack:
        request.config.stash[_BREAKABLE] = stack
        yield stack


@pytest.fixture
def breakable_stack(running_breakable_stack, open_db):
    """A stack whose Redis and worker node a test may end; they are started again for the next test."""
    running_breakable_stack.mend()
    return running_breakable_stack


@pytest.fixture
def building_stack(stack, request):
    """The running stack while it is the only one: the node of another would end builds that this one still makes."""
    if (other := request.config.stash.get(_BREAKABLE, None)) is not None:
        other.stop_worker()
    return stack


@pytest.fixture
def kept(running_stack, tmp_path) -> Iterator[Path]:
    """A directory of this test in the state directory, which scripts of the stack may write to."""
    directory: Path = running_stack.state_dir / tmp_path.name
    directory.mkdir(mode=0o700)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def own_stack(open_db, tmp_path_factory, database_url):
    """Starts stacks with settings of their own, or that a test breaks for good: `own_stack(UDAPI_…=…)`."""
    with ExitStack() as stacks:

        def start(**environment: str) -> Stack:
            data_dir, shared = own_data_dir(tmp_path_factory.mktemp("stack") / "data", database_url)
            return stacks.enter_context(Stack(data_dir, shared | environment))

        yield start


@pytest.fixture
def publish(open_db):
    """Publishes scripts: `publish(source, route=…)` returns an API with `path`, `secret` and `headers`."""
    return Publisher()
