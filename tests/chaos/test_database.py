"""The database restarts or its disk is full: clear errors meanwhile, and the product recovers without a restart."""

import os
import resource
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from testbed.package_index import PackageIndex
from testbed.postgresql import PostgresqlServer, url
from testbed.stack import PYTHON, ROOT, Stack, own_data_dir, wait_until
from testbed.wheels import Wheelhouse

SECRET = "s" * 40

_FILL = f"""
from django.core.management import call_command
call_command("migrate", verbosity=0)

from django.contrib.auth.models import User
from testbed.publisher import ECHO, Publisher
User.objects.create_superuser("admin", password="a password of ours")
publish = Publisher()
publish(ECHO, route="echo", token=publish.token({SECRET!r}))
"""

_PACKED = """
# /// script
# dependencies = ["away"]
# ///
def run(engine): pass
"""

AUTHORIZATION = {"Authorization": f"Bearer {SECRET}", "Content-Type": "text/plain"}
ADMIN = ("admin", "a password of ours")


def _fill(stack_environment: dict[str, str]) -> None:
    environment = {"PATH": os.environ["PATH"]} | stack_environment
    shell = [PYTHON, "manage.py", "shell", "-v0"]
    ran = subprocess.run(shell, cwd=ROOT, env=environment, input=_FILL, text=True, capture_output=True)
    assert ran.returncode == 0, ran.stderr


@pytest.fixture
def filled_stack(django_db_setup, tmp_path_factory):
    """Starts a stack with its own database, one API and an administrator: `filled_stack(database_url, path)`."""
    made: list[Stack] = []

    def make(database_url: str, root: Path | None = None, **environment: str) -> Stack:
        data_dir, shared = own_data_dir((root or tmp_path_factory.mktemp("database")) / "data", database_url)
        _fill(shared | {"UDAPI_DATA_DIR": str(data_dir)})
        own = {"UDAPI_TRIGGER_TIMEOUT_SECONDS": "5", "UDAPI_WEB_THREADS": "64"} | environment
        made.append(Stack(data_dir, shared | own))
        return made[-1]

    yield make
    for stack in made:
        stack.stop()


def trigger(stack: Stack) -> httpx.Response:
    return stack.client.post("/api/custom/echo", content="hello", headers=AUTHORIZATION)


def add_token(stack: Stack, name: str) -> httpx.Response:
    return stack.client.post("/api/management/tokens/", json={"name": name}, auth=ADMIN)


def tokens(stack: Stack) -> list[str]:
    answer = stack.client.get("/api/management/tokens/", auth=ADMIN)
    return [each["name"] for each in answer.json()["results"]]


def add_script(stack: Stack) -> str:
    """Save a script with a package; its address."""
    answer = stack.client.post("/api/management/scripts/", json={"name": "packed", "source": _PACKED}, auth=ADMIN)
    assert answer.status_code == 201, answer.text
    return f"/api/management/scripts/{answer.json()['id']}/"


def current_version(stack: Stack, script: str) -> int | None:
    version: int | None = stack.client.get(script, auth=ADMIN).json()["currentVersion"]
    return version


def assert_clear(answer: httpx.Response) -> None:
    """Asserts that the answer came soon and is an error in the form of its API."""
    assert answer.status_code in (500, 503), answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["errors"]
    assert answer.elapsed.total_seconds() < 10
    assert "Traceback" not in answer.text


def test_postgresql_restart_is_survived(filled_stack, tmp_path):
    wheels = Wheelhouse(tmp_path / "wheels")
    wheels.add("away")
    with (
        tempfile.TemporaryDirectory(prefix="udapi-restart-") as root,
        PostgresqlServer(Path(root)) as server,
        PackageIndex(wheels.directory) as index,
    ):
        stack = filled_stack(url(Path(root)), UDAPI_WHEELHOUSE="", UDAPI_PACKAGE_INDEX_URL=index.url)
        stack.start_background()
        wait_until(lambda: is_stored(server, trigger(stack)), 60, "a run of the background program")
        logged = len(stack.log_text("manager.log"))
        with index.holding("/away-1.0-py3-none-any.whl") as reached:
            script = add_script(stack)
            assert reached.wait(60), "a build that the restart interrupts"
            server.end()
            assert_clear(trigger(stack))
            assert_clear(add_token(stack, "meanwhile"))
        wait_until(lambda: _complaints(stack, logged), what="an attempt to store runs")
        wait_until(
            lambda: "builds wait: " in stack.log_text("manager.log")[logged:], what="an attempt to store a build"
        )
        assert "Traceback" not in stack.log_text("manager.log")[logged:]
        server.start()
        wait_until(lambda: is_stored(server, trigger(stack)), 60, "a run after the restart")
        wait_until(lambda: trigger(stack).status_code == 200, what="a trigger after the restart")
        wait_until(lambda: add_token(stack, "after").status_code == 201, what="a change after the restart")
        assert {trigger(stack).status_code for _ in range(10)} == {200}
        assert "meanwhile" not in tokens(stack)
        wait_until(lambda: current_version(stack, script) == 1, what="the end of the build")
        assert index.asked.count("/files/away-1.0-py3-none-any.whl") == 1
        # Before its database: the background program would wait for a connection twice.
        stack.stop()


def is_stored(server: PostgresqlServer, answer: httpx.Response) -> bool:
    """Whether the run of an answered trigger is in the database within some seconds."""
    if answer.status_code != 200:
        return False
    run_id = answer.headers["X-Trigger-Id"]
    deadline = time.monotonic() + 5
    with server.connection() as database:
        while time.monotonic() < deadline:
            if database.execute("SELECT status FROM runs_run WHERE id = %s", [run_id]).fetchone() == ("Succeeded",):
                return True
            time.sleep(0.1)
    return False


def _complaints(stack: Stack, start: int) -> int:
    return stack.log_text("manager.log")[start:].count("runs are not in the database yet")


def _web_servers(stack: Stack) -> list[psutil.Process]:
    master = psutil.Process(stack.web.process.pid)
    return [master, *master.children(recursive=True)]


def _limit_files(stack: Stack, size: int) -> None:
    """Have the web server fail to write files larger than `size`, as on a full disk.

    Not the worker: the limit would also apply to its files in memory, which do not need a disk.
    """
    for process in _web_servers(stack):
        _, hard = process.rlimit(resource.RLIMIT_FSIZE)
        process.rlimit(resource.RLIMIT_FSIZE, (size, hard))


def test_web_server_that_cannot_write_refuses_changes_and_serves_triggers(filled_stack, tmp_path):
    """Nothing of the change is stored. A trigger writes nothing but logs."""
    stack = filled_stack(f"sqlite:///{tmp_path}/database")
    assert trigger(stack).status_code == 200
    assert add_token(stack, "before").status_code == 201
    _limit_files(stack, 1)
    assert_clear(add_token(stack, "meanwhile"))
    for _ in range(5):
        assert trigger(stack).status_code == 200
    _limit_files(stack, resource.RLIM_INFINITY)
    wait_until(lambda: add_token(stack, "after").status_code == 201, what="a change when files can grow again")
    assert sorted(tokens(stack))[:2] == ["after", "before"]
    assert "meanwhile" not in tokens(stack)
    assert trigger(stack).status_code == 200


def _fill_up(file: Path) -> None:
    """Write to `file` until the disk is full."""
    with suppress(OSError), file.open("wb", buffering=0) as content:
        while True:
            content.write(b"x" * 4_096)


@pytest.mark.root
def test_full_disk_refuses_changes_and_serves_triggers(filled_stack, tmp_path):
    """The disk of 24 MB holds the whole data directory: database, logs and the socket of Redis."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("this container may not mount a disk")
    try:
        stack = filled_stack(f"sqlite:///{disk}/database", disk)
        assert add_token(stack, "before").status_code == 201
        # Empty the write-ahead log, so that the next change needs space on the disk.
        with closing(sqlite3.connect(disk / "database")) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        filler = disk / "filler"
        _fill_up(filler)
        assert_clear(add_token(stack, "meanwhile"))
        for _ in range(5):
            assert trigger(stack).status_code == 200
        filler.unlink()
        wait_until(lambda: add_token(stack, "after").status_code == 201, what="a change when there is room again")
        assert "before" in tokens(stack)
        stack.stop()
    finally:
        time.sleep(0.5)
        subprocess.run(["umount", "-l", disk])
