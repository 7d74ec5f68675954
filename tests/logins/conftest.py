"""Users with passwords that are cheap to check, and attempts to log in."""

import base64

import pytest
from django.contrib.auth.models import User
from django.test import Client

PASSWORD = "correct horse battery staple"
CHEAP = "django.contrib.auth.hashers.MD5PasswordHasher"


@pytest.fixture
def cheap(settings):
    """Make passwords cheap to check."""
    settings.PASSWORD_HASHERS = [CHEAP]


@pytest.fixture
def joe(db, cheap):
    """A superuser with a password."""
    return User.objects.create_superuser("joe", password=PASSWORD)


def basic(name: str = "joe", password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def api(name: str = "joe", password: str = PASSWORD, method: str = "get", path: str = "tokens/", **extra):
    """The management API's answer to a Basic log-in."""
    headers = basic(name, password) | extra.pop("headers", {})
    return getattr(Client(), method)(f"/api/management/{path}", headers=headers, **extra)


def console(name: str = "joe", password: str = PASSWORD, **extra):
    """The console's answer to its log-in form."""
    return Client().post("/console/login/", {"username": name, "password": password}, **extra)


def statuses(attempt, times: int, *args, **kwargs) -> list[int]:
    """The answers to `times` attempts with a wrong password."""
    return [attempt(*args, password="wrong", **kwargs).status_code for _ in range(times)]
