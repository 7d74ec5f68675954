"""The management API through DRF's test client: users with flags, objects, answers in the one form."""

import itertools
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from management.wire import JsonRenderer
from testbed.publisher import Publisher

ROOT = "/api/management/"
_numbers = itertools.count(1)


@pytest.fixture
def make(db):
    """Publishes scripts inside the test's transaction."""
    return Publisher()


@pytest.fixture
def login(db):
    """A client of a user who has exactly the given flags."""

    def login(*flags: str) -> APIClient:
        return client_of(user_with(*flags))

    return login


@pytest.fixture
def admin(db):
    """A client of a superuser named `root`."""
    root = User.objects.create_superuser("root")
    Publisher.forget_people()
    return client_of(root)


def user_with(*flags: str) -> User:
    """A user who has exactly the given flags."""
    user = User.objects.create_user(f"user {next(_numbers)}")
    for flag in flags:
        app_label, codename = flag.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    return user


def client_of(user: User) -> APIClient:
    """A client authenticated as `user`; it sends JSON."""
    client = APIClient()
    client.default_format = "json"
    # DRF's own cannot send lone surrogates.
    client.renderer_classes = {"json": JsonRenderer}
    client.force_authenticate(user)
    return client


def refused(response, status: int) -> list[dict[str, Any]]:
    """The `errors` of an answer, each with a reason and a detail."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    answer: dict[str, list[dict[str, Any]]] = response.json()
    assert list(answer) == ["errors"]
    assert answer["errors"]
    assert all(error["reason"] and error["detail"] for error in answer["errors"])
    return answer["errors"]


def only(response, status: int) -> dict[str, Any]:
    """The only error of an answer, without its detail."""
    (error,) = refused(response, status)
    return {name: value for name, value in error.items() if name != "detail"}
