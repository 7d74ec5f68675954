"""Malformed requests are refused as `{"errors": […]}`."""

import json
import logging

import pytest
import redis
from rest_framework.test import APIClient

from fleet import overview
from management import object_types
from objects.changes import save_checked
from testbed.stack import free_port
from tests.management.conftest import ROOT, client_of, only, refused
from tokens.models import ApiToken


@pytest.fixture
def token(make):
    """The address of a token."""
    return f"{ROOT}tokens/{make.token()[0].pk}/"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nothing",
        b"[]",
        b'[{"name": "x"}]',
        b'"x"',
        b"5",
        b"null",
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": "x", "name": "y"}',
        b'{"name": "x"} {}',
        b'\xef\xbb\xbf{"name": "x"}',
        b'{"name": "\xff"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"name": ' + b"9" * 5_000 + b"}",
        '{"name": "x"}'.encode("utf-16"),
        b"name=x",
        b"\0",
    ],
)
def test_a_body_that_is_not_a_json_object_is_refused(admin, token, body):
    for path, method in (("tokens/", admin.post), (token.removeprefix(ROOT), admin.patch), ("keys/", admin.post)):
        response = method(ROOT + path, body, content_type="application/json")
        assert only(response, 400)["reason"] == "InvalidJson"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "x"]
)
def test_another_content_type_is_refused(admin, token, content_type):
    for method in (admin.put, admin.patch):
        assert only(method(token, b"{}", content_type=content_type), 415) == {"reason": "UnsupportedMediaType"}
    assert only(admin.post(f"{token}rotate/", b"{}", content_type=content_type), 415)
    assert ApiToken.objects.get().revision == 1


def test_a_body_without_a_content_type_is_refused(admin, token):
    response = admin.generic("PATCH", token, b'{"name": "x"}', content_type="")
    assert only(response, 415) == {"reason": "UnsupportedMediaType"}


def test_a_body_that_is_too_large_is_refused(admin):
    body = json.dumps({"name": "x" * 11_000_000})
    assert only(admin.post(f"{ROOT}tokens/", body, content_type="application/json"), 413) == {"reason": "BodyTooLarge"}


def test_a_body_without_a_length_is_refused(admin, token):
    response = admin.patch(token, {"name": "x"}, headers={"Transfer-Encoding": "chunked"})
    assert only(response, 411) == {"reason": "LengthRequired"}


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "rubbish", "*/*;q=0"])
def test_answers_are_json_whatever_the_client_accepts(admin, accept):
    response = admin.get(f"{ROOT}tokens/", headers={"Accept": accept})
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "x",
        "x/",
        "tokens",
        "tokens/count",
        "tokens/x/",
        "tokens/%00/",
        "tokens/{id}",
        "tokens/00000000-0000-4000-8000-000000000000/",
        "tokens/00000000000040008000000000000000/",
        "definitions/00000000-0000-4000-8000-000000000000/",
        "definitions/%FF/",
        "definitions/' OR 1=1/",
        "scripts/missing/",
        "scripts/%00/",
        "scripts/a/b/c/",
        "tokens//",
        "console/",
        "../console/",
        "schema",
        "docs/x/",
    ],
)
def test_an_unknown_address_is_not_found(admin, path):
    assert only(admin.get(ROOT + path), 404) == {"reason": "NotFound"}


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("tokens", True),
        ("tokens/count", True),
        ("tokens/00000000-0000-4000-8000-000000000000/rotate", True),
        ("scripts/a/b", True),
        ("nowhere", False),
        ("nowhere/", False),
        ("tokens/a/b/c", False),
        ("", False),
    ],
)
def test_a_missing_slash_is_named_to_those_who_are_logged_in(admin, path, hint):
    for method in (admin.get, admin.post, admin.delete):
        (error,) = refused(method(ROOT + path), 404)
        assert ("slash" in error["detail"]) == hint
    (error,) = refused(APIClient().get(ROOT + path), 401)
    assert "slash" not in error["detail"]


def test_an_unknown_address_is_not_found_with_any_method(admin):
    for method in (admin.get, admin.post, admin.put, admin.delete, admin.options):
        assert only(method("/api/management"), 404) == {"reason": "NotFound"}
        assert only(method(f"{ROOT}nowhere/"), 404) == {"reason": "NotFound"}


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("tokens/", {"GET", "POST"}),
        ("tokens/count/", {"GET"}),
        ("definitions/", {"GET", "POST"}),
        ("definitions/x/", {"GET", "PUT", "PATCH", "DELETE"}),
        ("tokens/x/rotate/", {"POST"}),
        ("nodes/", {"GET"}),
        ("keys/", {"GET", "POST"}),
        ("keys/x/", {"DELETE"}),
        ("schema/", {"GET"}),
    ],
)
def test_another_method_is_refused(admin, path, allowed):
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} - allowed:
        response = admin.generic(method, ROOT + path)
        assert only(response, 405) == {"reason": "MethodNotAllowed"}, method
        assert set(response["Allow"].split(", ")) - {"HEAD"} == allowed


def test_a_head_is_a_get_without_a_body(admin, token):
    response = admin.head(token)
    assert (response.status_code, response.content, response["ETag"]) == (200, b"", '"1"')


def test_an_unexpected_exception_is_logged_and_not_shown(admin, token, monkeypatch, caplog):
    def broken(instance, by):
        raise RuntimeError("with a detail of ours")

    monkeypatch.setattr(object_types, "save_checked", broken)
    with caplog.at_level(logging.ERROR):
        response = admin.patch(token, {"name": "x"})
    assert refused(response, 500) == [
        {"reason": "UnexpectedException", "detail": "Something went wrong, contact the system administrator."}
    ]
    assert "with a detail of ours" in caplog.text


def test_an_object_deleted_during_a_change_is_not_found(admin, token, monkeypatch):
    def late(instance, by):
        ApiToken._base_manager.all().delete()
        return save_checked(instance, by)

    monkeypatch.setattr(object_types, "save_checked", late)
    assert only(admin.patch(token, {"name": "x"}), 404) == {"reason": "NotFound"}


@pytest.fixture
def no_redis(monkeypatch):
    """Asks for the nodes where nothing listens."""
    monkeypatch.setattr(overview, "client", lambda: redis.Redis(port=free_port()))


@pytest.mark.usefixtures("no_redis")
def test_nodes_are_unavailable_without_redis(admin):
    assert only(admin.get(f"{ROOT}nodes/"), 503) == {"reason": "Unavailable"}


@pytest.mark.usefixtures("no_redis")
def test_nodes_are_shown_to_users_who_may_view_definitions_or_tokens(login):
    for flag in ("definitions.ui_available", "tokens.ui_available"):
        assert login(flag).get(f"{ROOT}nodes/").status_code == 503
    assert only(login("automation.ui_available").get(f"{ROOT}nodes/"), 403) == {"reason": "PermissionDenied"}


def test_an_inactive_user_is_refused(django_user_model, db):
    user = django_user_model.objects.create_superuser("gone")
    user.is_active = False
    assert only(client_of(user).get(f"{ROOT}tokens/"), 403) == {"reason": "PermissionDenied"}
