"""Two installations on one Redis do not see each other."""

import re
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection

from fleet.celery_message import TASK_NAME
from testbed.data_dir import make_data_dir
from testbed.stack import Machine, free_port, own_data_dir, wait_until
from tests.installations.tenant import Tenant
from tests.launcher.launcher_process import environment

NAMES = ("one", "two")
MARKS = """
import os
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    with open(os.path.join(os.environ["STATE_DIRECTORY"], "marks"), "a") as marks:
        marks.write("x")
    return ApiTriggerOutput()
"""
REFUSED = "belongs to another database: set UDAPI_INSTALLATION"


@pytest.fixture(scope="module")
def tenants(django_db_setup, tmp_path_factory, database_url):
    """The two installations. They use the tests' database, under ids of their own."""
    root = tmp_path_factory.mktemp("two")
    host = Machine(make_data_dir(root / "host"))
    made: list[Tenant] = []
    try:
        for name in NAMES:
            data_dir, shared = own_data_dir(root / name, database_url)
            made.append(Tenant(host, data_dir, shared, name))
        yield made
    finally:
        for tenant in made:
            tenant.stop()
        host.end()


@pytest.fixture
def one(tenants, open_db):
    """The first installation, with a worker node, whatever the test before has done."""
    tenants[0].mend()
    return tenants[0]


@pytest.fixture
def two(tenants):
    return tenants[1]


def marks(tenant: Tenant) -> int:
    """How many triggers its node has run."""
    file = tenant.state_dir / "marks"
    return len(file.read_text()) if file.exists() else 0


def pongs(tenant: Tenant) -> int:
    """How many programs of its installation answer Celery's tool."""
    return tenant.celery("inspect", "ping").stdout.count("pong")


def test_installations_do_not_run_each_others_triggers(one, two, publish):
    api = publish(MARKS)
    before = marks(one), marks(two)
    assert {api.call(one.client, json=0).status_code for _ in range(8)} == {200}
    assert (marks(one), marks(two)) == (before[0] + 8, before[1])
    one.stop_worker()
    wait_until(lambda: one.nodes() == 0, what="the end of its node")
    assert api.call(one.client, json=0).json()["errors"][0]["errorCode"] == 7
    wait_until(lambda: two.nodes() == 1, what="the other's node")
    assert api.call(two.client, json=0).status_code == 200
    assert marks(two) == before[1] + 1


def test_celerys_tools_reach_only_their_own_installation(one, two, publish):
    for tenant in (one, two):
        # It waits for answers for a second.
        wait_until(lambda: pongs(tenant) == 1, what="the answer of its own node")  # noqa: B023
    api = publish(MARKS)
    before = marks(one)
    with ThreadPoolExecutor(1) as callers, one.redis_client() as redis:
        one.worker.send_signal(signal.SIGSTOP)
        try:
            call = callers.submit(api.call, one.client, json=0)
            wait_until(lambda: redis.keys(f"{one.prefix}ticket:*"), what="the trigger that waits")
            (ticket,) = redis.keys(f"{one.prefix}ticket:*")
            two.celery("control", "revoke", ticket.decode().rpartition(":")[2])
        finally:
            one.worker.send_signal(signal.SIGCONT)
    assert call.result().status_code == 200, "the other's revoke must not reach it"
    assert marks(one) == before + 1


def test_every_name_in_redis_begins_with_the_prefix(one, two, publish):
    """Redis itself refuses and logs what these users try beyond that."""
    limited = publish(MARKS, token=publish.token(rate_limit=100, rate_window_seconds=60))
    background = one.start_background()
    with one.redis_client() as redis:
        redis.acl_log_reset()
        for body in ("small", "x" * 100_000):
            assert limited.call(one.client, json=body).status_code == 200
        wait_until(lambda: pongs(one) == 2, what="both programs")
        tools = (["inspect", "active"], ["inspect", "stats"], ["control", "revoke", "x"], ["control", "enable_events"])
        for words in tools:
            wait_until(lambda: one.celery(*words).returncode == 0, what=f"an answer to {words}")  # noqa: B023
        patterns = redis.pubsub_numpat()
        events = one.watch_events()
        wait_until(lambda: redis.pubsub_numpat() > patterns, what="somebody who watches events")
        assert limited.call(one.client, json="watched").status_code == 200
        wait_until(lambda: f"task succeeded: {TASK_NAME}" in one.log.read_text(), what="its events")
        one.celery("control", "disable_events")
        found = [*redis.keys("*"), *redis.pubsub_channels()]
        denied = redis.acl_log()
    for process in (background, events):
        process.terminate()
        process.wait(30)
    assert not [name for name in found if not name.startswith((b"udapi:one:", b"udapi:two:"))]
    kinds = {name.split(b":")[2] for name in found if name.startswith(b"udapi:one:")}
    assert kinds >= {b"database", b"nodes", b"node", b"rate", b"lease"}
    assert not denied


# --- A second database with the same id ---


def _copy_database(file: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(file)])


@pytest.fixture
def copy(one, tmp_path):
    """The environment of a copy of the first installation's database, and of its settings."""
    data_dir = make_data_dir(tmp_path / "copy")
    # The other installation may have been the last to note its use of this database.
    one.run(["manage.py", "take_over_installation"], one.environment)
    _copy_database(data_dir / "db.sqlite3")
    ours = environment(data_dir, free_port()) | one.environment
    yield ours | {"DATABASE_URL": f"sqlite:///{data_dir / 'db.sqlite3'}", "UDAPI_DATA_DIR": str(data_dir)}
    one.run(["manage.py", "take_over_installation"], one.environment)


def test_a_copy_is_refused_by_each_of_its_programs(one, copy):
    programs = {
        "launcher": ["-m", "launcher"],
        "another node": ["-m", "launcher", "worker"],
        "web": ["-m", "gunicorn", "-c", "python:web.gunicorn_conf", "udapi_site.wsgi"],
        "triggers": ["-m", "celery", "-A", "udapi_site.triggers", "worker", "-Q", "udapi.triggers"],
        "background": ["-m", "celery", "-A", "udapi_site", "worker", "-Q", "udapi.background", "-P", "threads"],
    }
    with ThreadPoolExecutor(2) as starters:
        ended = dict(zip(programs, starters.map(lambda words: one.run(words, copy), programs.values()), strict=True))
    log = (Path(copy["UDAPI_DATA_DIR"]) / "logs" / "manager.log").read_text()
    assert {each.returncode for each in ended.values()} == {1}
    for name in ("launcher", "another node", "web"):
        assert REFUSED in ended[name].stdout + ended[name].stderr
    assert len(re.findall(f"CRITICAL udapi.manager: .*{REFUSED}", log)) == 2
    assert not [each for each in ended.values() if "Traceback" in each.stdout + each.stderr], log
    wait_until(lambda: one.nodes() == 1, what="no other node")


def test_the_id_is_taken_over_on_purpose_and_the_other_installation_ends(one, copy, publish):
    api = publish()
    with one.redis_client() as redis:
        key = f"{one.prefix}database"
        ours = redis.get(key)
        assert re.fullmatch(b"[0-9a-f]{64}", ours), "nothing in it names the database"
        told = one.run(["manage.py", "take_over_installation"], copy)
        assert "belongs to this database now, no longer to another" in told.stdout
        assert "still runs for the other database: end it" in told.stdout
        assert redis.get(key) != ours
        one.reconnect()
        assert one.worker.wait(20) == 1, "its supervisor starts it again, and then the start is refused"
        assert REFUSED in one.log_text("manager.log")
        refused = api.call(one.client)
        assert refused.status_code == 503 and refused.json()["errors"][0]["errorCode"] == 1006


def test_a_redis_that_has_lost_the_claim_gets_it_back_but_not_from_a_copy(one, copy):
    with one.redis_client() as redis:
        redis.delete(f"{one.prefix}database")
        refused = one.run(["-m", "launcher", "worker"], copy)
        assert refused.returncode == 1 and REFUSED in refused.stdout
        assert not redis.exists(f"{one.prefix}database")
        one.reconnect()
        wait_until(lambda: redis.exists(f"{one.prefix}database"), what="the claim")


def test_a_backup_is_put_back_beside_an_embedded_redis(open_db, tmp_path):
    machine = Machine(make_data_dir(tmp_path / "data"))
    try:
        _copy_database(machine.data.database_file)
        assert "No nodes replied" in machine.celery("inspect", "ping").stderr
        machine.stop_redis()
        shutil.copy(machine.data.database_file, tmp_path / "backup")
        (tmp_path / "backup").rename(machine.data.database_file)
        machine.redis = machine.start_redis()
        assert "No nodes replied" in machine.celery("inspect", "ping").stderr
    finally:
        machine.end()
