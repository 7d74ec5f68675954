"""A body that arrives slowly does not delay other changes."""

import time

import pytest
from django.contrib.auth.models import User

from keys.changes import create_key
from tests.endpoint.wire import Connection, head


@pytest.fixture
def key(open_db):
    """The header of a personal key of a superuser."""
    user = User.objects.create_superuser("slow")
    yield ("Authorization", f"Token {create_key(user, 'slow', 1)[1]}")
    user.delete()


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_the_same_object_can_be_changed_meanwhile(stack, publish, key, method):
    token, _ = publish.token(name="before")
    address, body = f"/api/management/tokens/{token.pk}/", b'{"name": "slow"}'
    slow_headers = (key, ("Content-Type", "application/json"), ("Content-Length", str(len(body))))
    with Connection(stack.url) as slow:
        slow.send(head(method, address, *slow_headers) + body[:1])
        time.sleep(1)  # By then it is logged in.
        quick = stack.client.patch(address, headers=dict([key]), json={"name": "quick"}, timeout=4)
        slow.send(body[1:])
        assert (quick.status_code, quick.json()["name"]) == (200, "quick")
        answer = slow.answer()
    assert (answer.status_code, answer.json()["name"]) == (200, "slow")


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_an_unknown_object_is_not_found_before_the_body_has_arrived(stack, key, method):
    nothing = "/api/management/tokens/00000000-0000-4000-8000-000000000000/"
    with Connection(stack.url) as slow:
        slow.send(head(method, nothing, key, ("Content-Type", "application/json"), ("Content-Length", "20")) + b"{")
        assert slow.answer().status_code == 404
