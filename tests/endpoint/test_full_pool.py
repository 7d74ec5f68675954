"""Every connection to PostgreSQL is in use: callers are told to retry, within the time that a thread waits."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client

from keys.changes import create_key
from testbed.stack import wait_until
from tests.endpoint.catalogue import assert_error
from tests.endpoint.wire import Connection, head

ONE = {"UDAPI_DATABASE_POOL_SIZE": "1", "UDAPI_WEB_WORKERS": "1"}

pytestmark = pytest.mark.skipif("config.getoption('database') != 'postgresql'", reason="SQLite has no pool")


@pytest.fixture
def root(open_db):
    """A superuser."""
    user = User.objects.create_superuser("root")
    yield user
    user.delete()


@contextmanager
def locked(table: str):
    """Lock `table` meanwhile, so that whoever reads it keeps their connection."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def full_pool(web, api):
    """A caller of `api` holds the only connection of `web`, and is answered at the end."""
    with ThreadPoolExecutor(1) as callers:
        with locked("definitions_apidefinition"):
            waiting = callers.submit(api.call, web.client)
            wait_until(_waits_for_a_lock, what="the caller")
            yield
        assert waiting.result().status_code == 200


def _waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_a_full_pool_is_reported_in_the_format_of_each_address(stack, publish, root):
    api, key = publish(), {"Authorization": f"Token {create_key(root, 'pool', 1)[1]}"}
    browser = Client()
    browser.force_login(root)
    cookies = {"sessionid": browser.cookies["sessionid"].value}
    with stack.another_web(**ONE) as web, full_pool(web, api), ThreadPoolExecutor(3) as clients:
        trigger = clients.submit(api.call, web.client)
        managed = clients.submit(web.client.get, "/api/management/tokens/", headers=key)
        page = clients.submit(httpx.get, f"{web.url}/console/", cookies=cookies, timeout=20)
        assert_error(trigger.result(), 7)
        assert managed.result().status_code == 503
        assert managed.result().json()["errors"][0]["reason"] == "Unavailable"
        assert page.result().status_code == 503
        assert "Temporarily unavailable" in page.result().text
        assert {answer.result().headers["Retry-After"] for answer in (trigger, managed, page)} == {"5"}


def test_a_full_pool_leaves_no_traceback(stack, publish):
    api, before, logged = publish(), len(stack.log.read_text()), len(stack.log_text("endpoint.log"))
    with stack.another_web(**ONE) as web, full_pool(web, api):
        assert_error(api.call(web.client), 7)
    assert "Traceback" not in stack.log.read_text()[before:]
    assert "Traceback" not in stack.log_text("endpoint.log")[logged:]


def test_many_callers_share_few_connections(stack, publish):
    api = publish()
    with stack.another_web(**ONE) as web, ThreadPoolExecutor(20) as callers:
        answers = list(callers.map(lambda _: api.call(web.client), range(100)))
    assert {answer.status_code for answer in answers} == {200}


def test_slow_uploads_leave_the_database_to_others(stack, publish, root):
    api, key = publish(), ("Authorization", f"Token {create_key(root, 'uploads', 1)[1]}")
    content = (("Content-Type", "application/json"), ("Content-Length", "1000"))
    begin = head("POST", "/api/management/tokens/", key, *content) + b"{"
    small = ONE | {"UDAPI_WEB_THREADS": "64", "UDAPI_SILENCE_SECONDS": "60"}
    with stack.another_web(**small) as web, ExitStack() as uploads:
        for _ in range(3):
            uploads.enter_context(Connection(web.url)).send(begin)
        time.sleep(2)  # By then they are authenticated, and the server waits for their bodies.
        assert api.call(web.client, timeout=20).status_code == 200


def test_a_large_form_of_the_console_meets_a_full_pool(stack, publish, root):
    """The user is looked up before the form is read."""
    api, browser = publish(), Client()
    browser.force_login(root)
    cookies = {"sessionid": browser.cookies["sessionid"].value}
    with stack.another_web(**ONE) as web, full_pool(web, api):
        answer = httpx.post(f"{web.url}/console/", data={"x": "x" * 100_000}, cookies=cookies, timeout=20)
    assert answer.status_code == 503
    assert "Temporarily unavailable" in answer.text
