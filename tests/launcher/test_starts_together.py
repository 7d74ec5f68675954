"""Machines that start at the same moment on one empty database all come up."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from launcher import database_lock
from testbed import postgresql
from testbed.stack import wait_until
from tests.launcher.conftest import Start
from tests.launcher.launcher_process import Launcher

WAITS = "waiting for another start"


@contextmanager
def _shared_postgresql(directory: Path) -> Iterator[str]:
    root = directory / f"together-{os.getpid()}"
    server = postgresql.PostgresqlServer(root)
    try:
        yield postgresql.url(root)
    finally:
        server.stop()


@contextmanager
def _shared_sqlite(directory: Path) -> Iterator[str]:
    yield f"sqlite:///{directory / 'shared.sqlite3'}"


@contextmanager
def _held(url: str) -> Iterator[None]:
    """The lock of the database at `url`, as a start holds it."""
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as holder:
            holder.execute("SELECT pg_advisory_lock(%s)", [database_lock.KEY])
            yield
        return
    with Path(url.removeprefix("sqlite:///") + ".lock").open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        yield


@pytest.fixture(params=[_shared_postgresql, _shared_sqlite], ids=["postgresql", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    with request.param(tmp_path) as url:
        yield url


@pytest.fixture
def machines(start: Start, database: str, shared_stack: Launcher, tmp_path: Path) -> list[Launcher]:
    """Two machines that start while the database is locked, and go on at the same moment."""
    shared = {
        "DATABASE_URL": database,
        "REDIS_URL": shared_stack.redis_url(2),
        "UDAPI_SECRET_KEY": secrets.token_hex(32),
        "UDAPI_SECRET_PEPPERS": f"1:{secrets.token_hex(32)}",
    }
    with _held(database):
        made = [start(tmp_path / name, **shared) for name in ("one", "two")]
        for machine in made:
            machine.wait_until_printed(WAITS)
    return made


def test_both_machines_start_and_one_of_them_makes_the_first_objects(machines: list[Launcher]) -> None:
    for machine in machines:
        machine.wait_until_ready()
    outputs = [machine.output for machine in machines]
    assert sorted("First start" in output for output in outputs) == [False, True]
    assert not any("Traceback" in output for output in outputs)
    assert sorted("migrated, " in output for output in outputs) == [False, True]
    first = next(machine for machine in machines if "First start" in machine.output)
    second = next(machine for machine in machines if machine is not first)
    token = (first.data_dir / "first-start" / "demo-secret").read_text().strip()
    for machine in (first, second):
        machine.wait_until_answered(TOKEN=token)
        status, body = machine.call(TOKEN=token)
        assert (status, json.loads(body)) == (200, {"hello": "world"})


def test_a_start_that_is_killed_while_it_waits_or_works_blocks_no_other(machines: list[Launcher]) -> None:
    one, two = machines
    wait_until(lambda: any("First start" in machine.output for machine in machines), what=one.output)
    killed, left = (one, two) if "First start" in one.output else (two, one)
    killed.kill_rest()
    # The database is no longer locked by then.
    left.wait_until_printed("Waiting for the web server")
