"""The console through Django's test client: users with flags, objects, forms as a browser sends them."""

import itertools

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from testbed.publisher import Publisher
from tests.runs.conftest import stored  # noqa: F401  a fixture

FLAGS = frozenset(
    {
        "definitions.ui_available",
        "definitions.add_edit",
        "definitions.delete",
        "tokens.ui_available",
        "tokens.add_edit",
        "tokens.delete",
        "automation.ui_available",
        "automation.add_edit",
        "automation.delete",
        "automation.credentials_ui_available",
        "automation.credentials_add_edit",
        "automation.credentials_delete",
        "automation.execute",
        "runs.ui_available",
        "runs.bodies",
        "runs.cancel",
    }
)

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def cheap_passwords(settings):
    """Fast password hashes; their cost is tested elsewhere."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def make(db):
    """Publishes scripts inside the test's transaction."""
    return Publisher()


@pytest.fixture
def admin(db):
    """A client logged in as a superuser named `root`."""
    root = User.objects.create_superuser("root")
    Publisher.forget_people()
    return _client(root)


@pytest.fixture
def visit(db):
    """Logs in a user who may use the console and has exactly the given flags."""

    def visit(*flags: str) -> Client:
        user = User.objects.create_user(f"user {next(_numbers)}", is_staff=True)
        for flag in flags:
            app_label, codename = flag.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
        return _client(user)

    return visit


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(model: str, name: str, *args: object) -> str:
    """The address of a page: `page("tokens_apitoken", "change", token.pk)`."""
    return reverse(f"admin:{model}_{name}", args=args)


def filled_in(response, **values: object) -> dict[str, object]:
    """What a browser sends for the form of `response` when the user has entered `values`."""
    form = response.context["adminform"].form
    sent = {}
    for field in form:
        value = field.value()
        if value not in (None, False):
            sent[field.html_name] = value
    return sent | values


def submit(client: Client, address: str, **values: object):
    """Open the form at `address`, fill in `values`, send it."""
    return client.post(address, filled_in(client.get(address), **values))


def errors(response) -> dict[str, list[str]]:
    """The errors that the form shows, by field; it must have been shown again."""
    assert response.status_code == 200
    shown = response.context["adminform"].form.errors
    for messages in shown.values():
        for message in messages:
            assert escape(message) in response.content.decode()
    return dict(shown)


def said(response) -> str:
    """The messages on the page after a redirect."""
    return " ".join(str(message) for message in response.context["messages"])
