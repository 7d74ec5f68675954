"""Log-in attempts through the running stack: who is locked out, who is not, and that a refusal costs no hash."""

import httpx
import psutil
import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client

from keys.changes import create_key
from tests.management.conftest import ROOT

PASSWORD = "correct horse battery staple"
ELSEWHERE = "127.0.0.2"
FORWARDED = {"X-Forwarded-For": "192.0.2.1"}


@pytest.fixture
def people(stack):
    """Two superusers with the same password."""
    made = [User.objects.create_superuser(name, password=PASSWORD) for name in ("joe", "ann")]
    yield made
    for user in made:
        user.delete()
    AccessAttempt.objects.all().delete()


def ask(web, name="joe", password=PASSWORD, address="127.0.0.1", **headers):
    """The answer to a list of tokens, asked for from a loopback `address`."""
    with httpx.Client(transport=httpx.HTTPTransport(local_address=address), timeout=60) as client:
        return client.get(f"{web.url}{ROOT}tokens/", auth=(name, password), headers=headers)


def lock(web, name="joe", **headers):
    """Fail ten times; the tenth is told so."""
    return [ask(web, name, "wrong", **headers) for _ in range(10)]


def key_of(user):
    """What lets `user` in without a password."""
    return {"Authorization": f"Token {create_key(user, 'ci', 1)[1]}"}


def session_of(user):
    """What lets the browser of `user` in, who had logged in before."""
    browser = Client()
    browser.force_login(user)
    return {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}


def processor_seconds(web):
    """What gunicorn has used so far."""
    master = psutil.Process(web.process.pid)
    times = [process.cpu_times() for process in (master, *master.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def test_ten_wrong_passwords_lock_this_user_out_from_this_address_alone(stack, people):
    statuses = [answer.status_code for answer in lock(stack.web)]
    assert statuses == [401] * 9 + [429]
    refused = ask(stack.web)
    assert refused.status_code == 429
    (error,) = refused.json()["errors"]
    assert error["reason"] == "TooManyAttempts"
    assert 0 < int(refused.headers["Retry-After"]) <= 15 * 60
    assert ask(stack.web, address=ELSEWHERE).status_code == 200
    assert ask(stack.web, name="ann").status_code == 200
    # A forwarded address is nobody's but a trusted proxy's to tell.
    assert ask(stack.web, **FORWARDED).status_code == 429
    for headers in (key_of(people[0]), session_of(people[0])):
        assert httpx.get(f"{stack.url}{ROOT}tokens/", headers=headers).status_code == 200


def test_a_refusal_costs_no_password_hash(stack, people):
    """The hash is nearly all of what a log-in costs, so the processor time tells whether there was one."""
    begun = processor_seconds(stack.web)
    lock(stack.web)
    hashed = processor_seconds(stack.web) - begun
    assert {ask(stack.web).status_code for _ in range(10)} == {429}
    refused = processor_seconds(stack.web) - begun - hashed
    print(f"ten log-ins that fail take {hashed:.2f} s of processor time, ten that are refused {refused:.2f} s")
    assert refused < hashed / 2


def test_a_forwarded_address_counts_when_a_trusted_proxy_tells_it(stack, people):
    with stack.another_web(UDAPI_TRUSTED_PROXIES="127.0.0.1") as web:
        assert lock(web, **FORWARDED)[-1].status_code == 429
        assert ask(web, **FORWARDED).status_code == 429
        assert ask(web, **{"X-Forwarded-For": "192.0.2.2"}).status_code == 200
        assert ask(web).status_code == 200
        # Who comes past the proxy is himself, whatever he tells.
        assert ask(web, address=ELSEWHERE, **FORWARDED).status_code == 200
