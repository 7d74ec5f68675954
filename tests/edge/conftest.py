"""A gunicorn and an nginx for clients that misbehave, and a gunicorn that is small and impatient with them."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from keys.changes import create_key
from testbed.nginx import Nginx
from tests.edge.webhook_senders import TOKENS

TRANSFER_SECONDS, SILENCE_SECONDS = 6, 3
# How many triggers may wait in `small` and `impatient`, and how many slow clients.
SLOTS = 4
SMALL = {"UDAPI_WEB_WORKERS": "1", "UDAPI_WEB_THREADS": str(2 * SLOTS)}


@pytest.fixture(scope="module")
def running_edge(running_stack, tmp_path_factory):
    """Use `gunicorn` and `nginx`, which also open the database."""
    with running_stack.another_web(UDAPI_TRIGGER_TIMEOUT_SECONDS="5") as web:
        yield web


@pytest.fixture(scope="module")
def running_nginx(running_edge, tmp_path_factory):
    nginx = Nginx(tmp_path_factory.mktemp("nginx"), running_edge.port, webhooks=TOKENS)
    yield nginx
    nginx.stop()


@pytest.fixture
def gunicorn(running_edge, stack):
    """A gunicorn in front of the shared fleet with a time-out of five seconds."""
    return running_edge


@pytest.fixture
def nginx(running_nginx, stack):
    """nginx with the shipped configuration in front of that gunicorn."""
    return running_nginx


@pytest.fixture(params=["gunicorn", "nginx"])
def edge_url(request):
    """The address of either."""
    return request.getfixturevalue(request.param).url


@pytest.fixture(scope="session")
def running_small(running_stack):
    """Use `small`, which also opens the database."""
    with running_stack.another_web(UDAPI_SILENCE_SECONDS="60", **SMALL) as web:
        web.client.get("/console/login/")
        yield web


@pytest.fixture
def small(running_small, stack):
    """A gunicorn of one process with few threads, before the shared fleet, that gives no client up within a test."""
    return running_small


@pytest.fixture(scope="session")
def running_impatient(running_stack, tmp_path_factory):
    """Use `impatient`, which also opens the database."""
    temporary = tmp_path_factory.mktemp("temporary")
    limits = {"UDAPI_TRANSFER_SECONDS": str(TRANSFER_SECONDS), "UDAPI_SILENCE_SECONDS": str(SILENCE_SECONDS)}
    with running_stack.another_web(TMPDIR=str(temporary), **limits, **SMALL) as web:
        # Its first requests take longer than the others.
        web.client.get("/console/login/")
        yield web, temporary


@pytest.fixture
def impatient(running_impatient, stack):
    """A gunicorn of one process with few threads, before the shared fleet. Its clients have little time."""
    return running_impatient[0]


@pytest.fixture
def temporary(running_impatient):
    """The directory for temporary files of `impatient`."""
    return running_impatient[1]


@pytest.fixture
def superuser(stack):
    """A superuser."""
    user = User.objects.create_superuser("edge")
    yield user
    user.delete()


@pytest.fixture
def key(superuser):
    """The header of a personal key of theirs."""
    return ("Authorization", f"Token {create_key(superuser, 'edge', 1)[1]}")


@pytest.fixture
def session(superuser):
    """The header of a session of theirs in the console."""
    browser = Client()
    browser.force_login(superuser)
    return ("Cookie", f"sessionid={browser.cookies['sessionid'].value}")
