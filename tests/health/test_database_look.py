"""Whether a database answers: SQLite, and a PostgreSQL that restarts, hangs and is gone."""

import tempfile
import time
from pathlib import Path

import psutil
import pytest
from django.db.utils import ConnectionHandler

from foundation import env
from health import database_look
from health.database_look import DatabaseLook
from health.readiness import Readiness
from testbed.postgresql import PostgresqlServer, url
from testbed.stack import wait_until

pytestmark = pytest.mark.usefixtures("open_db")


@pytest.fixture
def use(monkeypatch):
    """Makes the database at a URL that of the product, as far as looks are concerned."""

    def use(database_url: str) -> None:
        handler = ConnectionHandler({"default": env.database(database_url, 1, 60)})
        monkeypatch.setattr(database_look, "connections", handler)

    return use


def test_the_database_of_the_product_answers():
    look = DatabaseLook()
    assert [look(), look()] == ["", ""]


def test_a_database_file_that_is_missing_or_without_tables_is_no_database(use, tmp_path):
    use(f"sqlite:///{tmp_path}/missing/database")
    assert "unable to open database file" in DatabaseLook()()
    use(f"sqlite:///{tmp_path}/empty")
    assert "no such table" in DatabaseLook()()


def _family(server: PostgresqlServer) -> list[psutil.Process]:
    master = psutil.Process(server.process.pid)
    return [master, *master.children(recursive=True)]


def test_a_postgresql_that_restarts_hangs_or_is_gone(use):
    with tempfile.TemporaryDirectory(prefix="udapi-look-") as root, PostgresqlServer(Path(root)) as server:
        use(url(Path(root)))
        look = DatabaseLook()
        assert "broker_installation" in look(), "there is no table yet"
        with server.connection() as database:
            database.execute("CREATE TABLE broker_installation ()")
        assert look() == ""
        server.end()
        assert "does not answer" in look()
        server.start()
        assert look() == ""
        server.kill()
        server.start()
        assert look() == "", "over a new connection at once"
        _suspend_and_ask(server, look)
        assert look() == ""


def _suspend_and_ask(server: PostgresqlServer, look: DatabaseLook) -> None:
    """All processes of the server are there, keep their connections, and do nothing."""
    readiness = Readiness()
    family = _family(server)
    try:
        for process in family:
            process.suspend()
        assert "does not answer" in look(), "this look itself ends"
        begun = time.monotonic()
        assert "the database does not answer within 1 s" in readiness.fault()
        took = time.monotonic() - begun
    finally:
        for process in family:
            process.resume()
    assert took < 10
    wait_until(lambda: "database" not in readiness.fault(), what="the database")
