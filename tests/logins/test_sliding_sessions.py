"""A session lasts as long as its user is active; what an open page asks for by itself does not renew it."""

import time

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from logins import sessions


@pytest.fixture
def client(db):
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def wait(monkeypatch, settings):
    """Lets a share of a session's time pass."""

    def wait(share: float) -> None:
        later = time.time() + share * settings.SESSION_COOKIE_AGE
        monkeypatch.setattr(sessions, "now", lambda: later)

    return wait


def own_session(client) -> Session:
    """Others have sessions, too: tests of other pages commit."""
    return Session.objects.get(pk=client.session.session_key)


def writes(client, address: str, **headers: str) -> tuple[int, bool]:
    """How often a request writes a session, and whether the browser gets its cookie anew."""
    with CaptureQueriesContext(
        connection,
    ) as made:
        answer = client.get(address, headers=headers)
    written = [each["sql"] for each in made if "django_session" in each["sql"] and not each["sql"].startswith("SELECT")]
    return len(written), "sessionid" in answer.cookies


def test_few_pages_write_a_session_and_renew_it(client, settings, wait):
    assert writes(client, "/console/") == (0, False)
    wait(0.04)
    assert writes(client, "/console/") == (0, False)
    before = own_session(client).expire_date
    wait(0.06)
    assert writes(client, "/console/") == (1, True)
    assert own_session(client).expire_date > before
    assert writes(client, "/console/") == (0, False)


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("/console/", {"X-Requested-With": "fetch"}),
        ("/console/session/", {"X-Requested-With": "fetch"}),
        ("/api/management/events/?limit=1", {}),
        ("/api/management/tokens/", {}),
    ],
)
def test_an_open_page_does_not_renew_a_session(client, wait, address, headers):
    wait(0.5)
    assert writes(client, address, **headers) == (0, False)


def test_a_form_renews_a_session(client, wait):
    wait(0.5)
    before = own_session(client).expire_date
    client.post("/console/tokens/apitoken/add/", {"name": ""})
    assert own_session(client).expire_date > before


def test_a_user_who_has_logged_out_gets_no_session(client, wait):
    wait(0.5)
    key = client.session.session_key
    client.post("/console/logout/")
    assert not Session.objects.filter(pk=key).exists()


def test_a_log_out_in_another_tab_meanwhile_is_no_error(client, wait):
    request = client.get("/console/").wsgi_request
    wait(0.5)
    own_session(client).delete()
    sessions.SlidingSessionMiddleware(lambda request: HttpResponse())(request)
    assert not request.session.modified
