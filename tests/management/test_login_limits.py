"""Limits of log-ins through the running stack: who is locked out, who is not, and what is kept."""

import http.client
import json
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import psutil
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from keys.changes import create_key
from testbed.people import remove_users
from tests.management import cheap_passwords
from tests.management.conftest import ROOT

PASSWORD = "correct horse battery staple"
CHEAP = {"DJANGO_SETTINGS_MODULE": cheap_passwords.__name__}
ELSEWHERE = "127.0.0.2"
FORWARDED = {"X-Forwarded-For": "192.0.2.1"}
SECRET = "a-secret-that-was-sent-with-a-wrong-password"

# The body must make no difference to the log-in. The first two cannot be parsed as a form.
BODIES = [
    (b"--x\r\n\r\n", "multipart/form-data"),
    (b"&".join(b"f%d=1" % number for number in range(1_500)), "application/x-www-form-urlencoded"),
    (f"secret={SECRET}".encode(), "application/x-www-form-urlencoded"),
    (json.dumps({"name": "new", "secret": SECRET}).encode(), "application/json"),
    (SECRET.encode(), "multipart/form-data; boundary=x"),
    (b"{", "application/json"),
    (b"\xff\xfe", "text/plain; charset=utf-16"),
    (b"", "application/json"),
    (b"x", ""),
    (f"secret={SECRET}".encode(), "application/x-www-form-urlencoded; charset=nonsense"),
]


def two_superusers():
    """Two superusers with the same password."""
    made = [User.objects.create_superuser(name, password=PASSWORD) for name in ("joe", "ann")]
    yield made
    remove_users(pk__in=[user.pk for user in made])


@pytest.fixture
def costly_people(stack):
    """Two superusers whose passwords cost as much as those of real ones."""
    yield from two_superusers()


@pytest.fixture(scope="module")
def running_web(running_stack):
    """Use `web`, which also opens the database."""
    with running_stack.another_web(**CHEAP) as web:
        yield web


@pytest.fixture
def web(running_web, stack):
    """A gunicorn with cheap passwords."""
    return running_web


@pytest.fixture
def people(web, settings):
    """Two superusers with cheap passwords."""
    settings.PASSWORD_HASHERS = cheap_passwords.PASSWORD_HASHERS
    yield from two_superusers()


def ask(web, name="joe", password=PASSWORD, address="127.0.0.1", **headers):
    """The answer to a request for the tokens from a loopback `address`."""
    with httpx.Client(transport=httpx.HTTPTransport(local_address=address), timeout=60) as client:
        return client.get(f"{web.url}{ROOT}tokens/", auth=(name, password), headers=headers)


def lock(web, name="joe", **headers):
    """Fail ten times; the tenth answer says so."""
    return [ask(web, name, "wrong", **headers) for _ in range(10)]


def key_of(user):
    """The headers of a personal key of `user`."""
    return {"Authorization": f"Token {create_key(user, 'ci', 1)[1]}"}


def session_of(user):
    """The headers of a session of `user`."""
    browser = Client()
    browser.force_login(user)
    return {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}


def processor_seconds(web):
    """The CPU time that gunicorn has used so far."""
    master = psutil.Process(web.process.pid)
    times = [process.cpu_times() for process in (master, *master.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def everything_stored() -> str:
    """Every row of every table."""
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  a name from the database
            rows += [str(row) for row in cursor.fetchall()]
    return "\n".join(rows)


def test_ten_wrong_passwords_lock_out_only_this_user_at_this_address(stack, web, costly_people):
    begun = processor_seconds(stack.web)
    statuses = [ask(stack.web, password="wrong").status_code]
    hashed = processor_seconds(stack.web) - begun
    # All web servers count together, and the other one hashes nothing that is costly.
    statuses += [ask(web, password="wrong").status_code for _ in range(9)]
    assert statuses == [401] * 9 + [429]
    refused = [ask(stack.web) for _ in range(10)][-1]
    # The hash is nearly the whole cost of a log-in.
    assert processor_seconds(stack.web) - begun - hashed < 10 * hashed / 2
    assert refused.status_code == 429
    (error,) = refused.json()["errors"]
    assert error["reason"] == "TooManyAttempts"
    assert 0 < int(refused.headers["Retry-After"]) <= 15 * 60
    assert ask(stack.web, address=ELSEWHERE).status_code == 200
    assert ask(stack.web, name="ann").status_code == 200
    # Only a trusted proxy's `X-Forwarded-For` counts.
    assert ask(stack.web, **FORWARDED).status_code == 429
    for headers in (key_of(costly_people[0]), session_of(costly_people[0])):
        assert httpx.get(f"{stack.url}{ROOT}tokens/", headers=headers).status_code == 200


def test_ten_wrong_passwords_lock_out_whatever_the_body_and_none_is_kept(stack, web, people):
    def send(body: bytes, content_type: str, password: str) -> httpx.Response:
        headers = {"Content-Type": content_type, "X-Secret": SECRET}
        address = f"{ROOT}tokens/{SECRET}/rotate/?secret={SECRET}"
        return httpx.post(web.url + address, timeout=60, content=body, headers=headers, auth=("joe", password))

    answers = [send(*body, "wrong") for body in BODIES]
    assert [answer.status_code for answer in answers] == [401] * 9 + [429]
    locked = [send(*body, password) for body in BODIES for password in ("wrong", PASSWORD)]
    assert {(answer.status_code, answer.content) for answer in locked} == {(429, answers[-1].content)}
    # Some people type their password into the field of the user name.
    assert ask(web, name=SECRET, password="x").status_code == 401
    assert web.client.post("/console/login/", data={"username": SECRET, "password": SECRET}).status_code == 403
    stored, log = everything_stored(), stack.log_text("endpoint.log") + stack.log_text("refused.log")
    assert SECRET not in stored + log
    assert "log-in of 'joe' from 127.0.0.1 refused: The user name or password is wrong." in log
    assert "log-in of an unknown user from 127.0.0.1 refused" in log


@pytest.mark.parametrize(
    ("content_type", "password", "status"),
    [
        ("multipart/form-data; boundary=x", "wrong", 401),
        ("application/x-www-form-urlencoded", "wrong", 401),
        ("application/json", "wrong", 401),
        ("multipart/form-data; boundary=x", PASSWORD, 415),
    ],
)
def test_a_log_in_is_decided_before_its_body_is_read(web, people, content_type, password, status):
    asked = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
    asked.putrequest("POST", f"{ROOT}tokens/")
    asked.putheader("Authorization", "Basic " + b64encode(f"joe:{password}".encode()).decode())
    asked.putheader("Content-Type", content_type)
    asked.putheader("Content-Length", "1000")
    asked.endheaders()
    # The announced body is never sent.
    assert asked.getresponse().status == status
    asked.close()


def test_simultaneous_guesses_cannot_exceed_the_limit(web, people):
    together = threading.Barrier(36)

    def guess(_: int) -> int:
        together.wait(60)
        return int(ask(web, password="wrong").status_code)

    with ThreadPoolExecutor(36) as threads:
        statuses = list(threads.map(guess, range(36)))
    assert set(statuses) <= {401, 429}
    assert statuses.count(401) <= 9
    rest = [ask(web, password="wrong").status_code for _ in range(10)]
    assert rest[-1] == 429
    assert (statuses + rest).count(401) <= 9
    assert ask(web).status_code == 429


def test_further_log_ins_are_refused_while_all_log_in_slots_are_taken(web, people):
    from logins import hash_slots

    with ExitStack() as places:
        for _ in range(hash_slots.count()):
            places.enter_context(hash_slots.slots.hold())
        refused = ask(web)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert refused.json()["errors"][0]["reason"] == "TooManyAttempts"
        for headers in (key_of(people[0]), session_of(people[0])):
            assert httpx.get(f"{web.url}{ROOT}tokens/", headers=headers).status_code == 200
    assert ask(web).status_code == 200


def test_attempts_count_for_the_address_that_a_trusted_proxy_forwards(stack, people):
    with stack.another_web(UDAPI_TRUSTED_PROXIES="127.0.0.1", **CHEAP) as web:
        assert lock(web, **FORWARDED)[-1].status_code == 429
        assert ask(web, **FORWARDED).status_code == 429
        assert ask(web, **{"X-Forwarded-For": "192.0.2.2"}).status_code == 200
        assert ask(web).status_code == 200
        # A client that bypasses the proxy counts by its own address.
        assert ask(web, address=ELSEWHERE, **FORWARDED).status_code == 200
