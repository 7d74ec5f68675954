"""Databases of earlier commits are upgraded by `migrate` and serve triggers.

`release_0_1_0.*` are dumps of databases that the commit before the squash of the migrations made and filled.
`before_versions.*` are those of commit 2bd18f9, the last one without versions of scripts: exported with `git archive`,
its `manage.py migrate` made the databases, and a script with its `save_checked`, `save_definition` and `delete_checked`
filled them. Python's `iterdump` wrote the one of SQLite; `pg_dump --inserts --no-owner --no-privileges` that of
PostgreSQL, without its lines that begin with `SET`, `--`, a backslash or `SELECT pg_catalog.set_config`.
"""

import gzip
import json
import os
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from django.db import connections

from automation.versions import CONTENT, content_hash
from foundation import env
from testbed.data_dir import make_data_dir
from testbed.stack import PYTHON, ROOT, Stack, free_port

HERE = Path(__file__).parent
PEPPERS = "1:pepper-of-the-upgrade-test-pepper-of-the-upgrade-test"
SECRET = "made-up-secret-of-the-upgrade-test-0"
SECRET_OF_DISABLED_TOKEN = "made-up-secret-of-the-upgrade-test-1"
FLAGS_OF_JOHN = """
    SELECT DISTINCT codename FROM auth_user u JOIN auth_user_groups m ON m.user_id = u.id
    JOIN auth_group_permissions p ON p.group_id = m.group_id JOIN auth_permission f ON f.id = p.permission_id
    WHERE u.username = 'john' ORDER BY codename
"""
# He is a member of a ready group, which gets flags of runs and of credentials.
JOHNS_FLAGS = {"add_edit", "delete", "execute", "ui_available", "bodies", "cancel", "credentials_ui_available"}
SCRIPTS = """
    SELECT id, name, description, version, created_by, created_at, last_modified_by, last_modified, source, parameters
    FROM automation_automationscript ORDER BY id
"""
CONTENT_OF_SCRIPTS = """
    SELECT last_modified_by, last_modified, kind, source, parameters, timeout_seconds, memory_limit_mb, reuse,
    has_api_trigger, has_run, current_version, version - versioned_revision FROM automation_automationscript ORDER BY id
"""
CONTENT_OF_VERSIONS = """
    SELECT created_by, created_at, kind, source, parameters, timeout_seconds, memory_limit_mb, reuse,
    has_api_trigger, has_run, number, 0 FROM automation_scriptversion ORDER BY script_id
"""
HASHES = "SELECT content_hash, note FROM automation_scriptversion ORDER BY script_id"
PINS = "SELECT DISTINCT is_disabled, script_version FROM definitions_apidefinition"
EVENTS = "SELECT message FROM events_informationevent ORDER BY 1"
KEPT = ("encoders/{id}/status", "reports/daily", "mobile app", "partner", "windowSeconds: 60", "def run(engine)")


@pytest.fixture
def installation(tmp_path, database_url, open_db):
    """Makes data directories, each with the URL of an empty database: `installation(name)`."""

    def made(name: str) -> tuple[Path, str]:
        data_dir = make_data_dir(tmp_path / name)
        (data_dir / "secret_peppers").write_text(PEPPERS)
        if database_url.startswith("sqlite"):
            return data_dir, f"sqlite:///{data_dir}/db.sqlite3"
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        databases.append(name)
        return data_dir, f"{database_url.rpartition('/')[0]}/{name}"

    databases: list[str] = []
    yield made
    for name in databases:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """A connection of Django's to the database at `url`."""
    # It needs an alias of its own: introspection looks connections up by their aliases.
    connections.databases[url] = connections.configure_settings(
        {"default": {}, url: env.database(url, pool_size=1, pool_seconds=10)}
    )[url]
    connection: Any = connections[url]
    connection.ensure_connection()
    yield connection
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()
    del connections[url], connections.databases[url]


def restore(url: str, dump: str = "release_0_1_0") -> None:
    with connected(url) as connection:
        (file,) = HERE.glob(f"{dump}.{connection.vendor}.sql*")
        sql = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        if connection.vendor == "sqlite":
            connection.disable_constraint_checking()
            connection.connection.executescript(sql.decode())
        else:
            connection.connection.execute(sql)


def manage(data_dir: Path, url: str, *command: str) -> str:
    environment = {"PATH": os.environ["PATH"], "UDAPI_DATA_DIR": str(data_dir), "DATABASE_URL": url}
    ended = subprocess.run([PYTHON, "manage.py", *command], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def schema(url: str) -> dict[str, object]:
    """Columns, indexes and constraints by table. The order of the columns does not matter."""
    with connected(url) as connection, connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        return {name: table(connection, cursor, name) for name in names}


def table(connection: Any, cursor: Any, name: str) -> object:
    columns = connection.introspection.get_table_description(cursor, name)
    rules = connection.introspection.get_constraints(cursor, name)
    references = [(rule["columns"], rule["foreign_key"]) for rule in rules.values() if rule["foreign_key"]]
    return (
        sorted((column.name, str(column.type_code), column.null_ok) for column in columns),
        # SQLite names foreign keys by their order.
        {known: rule for known, rule in rules.items() if not rule["foreign_key"]},
        sorted(references),
    )


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def trigger(stack: Stack, secret: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "text/plain"}
    return stack.client.post("/api/custom/encoders/7/status", content="still here", headers=headers)


def test_database_from_before_the_squash_is_upgraded_and_serves_triggers(installation, database_url, tmp_path):
    old = installation("upgraded")
    restore(old[1])
    manage(*old, "migrate", "-v0")
    assert schema(old[1]) == schema(database_url)
    manage(*old, "migrate", "--check")
    manage(*old, "export_apis", str(tmp_path / "exported"))
    exported = "".join(file.read_text() for file in sorted((tmp_path / "exported").rglob("*")) if file.is_file())
    for kept in KEPT:
        assert kept in exported
    assert {flag for (flag,) in rows(old[1], FLAGS_OF_JOHN)} == JOHNS_FLAGS
    assert rows(old[1], "SELECT count(*) FROM events_informationevent WHERE message LIKE '%gone%'") == [(2,)]
    with Stack(old[0], {"DATABASE_URL": old[1]}) as stack:
        assert trigger(stack, SECRET).text == "still here"
        assert trigger(stack, SECRET_OF_DISABLED_TOKEN).status_code == 401


def test_database_from_before_versions_gets_version_1_of_each_script(installation, database_url):
    old = installation("unversioned")
    restore(old[1], "before_versions")
    scripts, events = rows(old[1], SCRIPTS), rows(old[1], EVENTS)
    manage(*old, "migrate", "-v0")
    assert schema(old[1]) == schema(database_url)
    assert rows(old[1], SCRIPTS) == scripts
    assert len(scripts) == 4
    _each_script_has_version_1(old[1])
    assert rows(old[1], EVENTS) == events
    assert len([message for (message,) in events if "gone" in message]) == 2
    assert {flag for (flag,) in rows(old[1], FLAGS_OF_JOHN)} == JOHNS_FLAGS
    assert rows(old[1], PINS) == [(0, None)]
    with Stack(old[0], {"DATABASE_URL": old[1]}) as stack:
        assert trigger(stack, SECRET).text == "still here"
        assert trigger(stack, SECRET_OF_DISABLED_TOKEN).status_code == 401
        (started,) = [line for line in stack.log_text("manager.log").splitlines() if "started trigger=" in line]
        assert 'version=1 name="echo"' in started


def _each_script_has_version_1(url: str) -> None:
    found = rows(url, CONTENT_OF_VERSIONS)
    versions = [(*row[:3], zlib.decompress(row[3]).decode(), *row[4:]) for row in found]
    assert rows(url, CONTENT_OF_SCRIPTS) == versions
    assert {number for *_, number, _ in versions} == {1}
    contents = [dict(zip(CONTENT, values[2:], strict=False)) for values in versions]
    for content in contents:
        assert content["kind"] == "Script"
        # Only psycopg reads JSON by itself.
        if isinstance(content["parameters"], str):
            content["parameters"] = json.loads(content["parameters"])
    assert ["a", 'ü 日本 "x"'] in [content["parameters"] for content in contents]
    assert any("\r\n" in content["source"] for content in contents)
    assert rows(url, HASHES) == [(content_hash(content, {}), "") for content in contents]


def test_database_older_than_the_last_release_is_refused_with_advice(installation):
    data_dir, url = installation("ancient")
    restore(url)
    last = "DELETE FROM django_migrations WHERE app = 'tokens' AND name = '0003_last_used'"
    with connected(url) as connection, connection.cursor() as cursor:
        cursor.execute(last)
    with pytest.raises(AssertionError, match=r"(?s)udapi.E016.*Upgrade to release 0.1.0 first"):
        manage(data_dir, url, "migrate", "-v0")
    environment = {"PATH": os.environ["PATH"], "UDAPI_DATA_DIR": str(data_dir), "DATABASE_URL": url}
    start = [PYTHON, "-m", "launcher"]
    ended = subprocess.run(
        start, cwd=ROOT, env=environment | {"UDAPI_PORT": str(free_port())}, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert "Upgrade to release 0.1.0 first" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
