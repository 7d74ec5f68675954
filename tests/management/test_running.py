"""Behaviour that needs the running server: live nodes, chunked bodies."""

from django.contrib.auth.models import User

from keys.changes import create_key
from tests.management.conftest import ROOT


def test_live_nodes_are_listed(stack):
    user = User.objects.create_superuser("officer")
    try:
        _, key = create_key(user, "ci", 1)
        page = stack.client.get(f"{ROOT}nodes/", headers={"Authorization": f"Token {key}"}).json()
        assert page["count"] == 1
        assert page["results"][0].keys() == {"id", "host", "limit", "running", "since", "version"}
    finally:
        user.delete()


def test_a_chunked_body_is_refused_instead_of_read_as_empty(stack, publish):
    user = User.objects.create_superuser("officer")
    try:
        _, key = create_key(user, "ci", 1)
        token, _ = publish.token()
        answer = stack.client.patch(
            f"{ROOT}tokens/{token.pk}/",
            content=iter([b'{"name": ', b'"x"}']),
            headers={"Authorization": f"Token {key}", "Content-Type": "application/json"},
        )
        assert answer.status_code == 411
        assert answer.json()["errors"][0]["reason"] == "LengthRequired"
    finally:
        user.delete()
