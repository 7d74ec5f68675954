"""Authentication by personal key, HTTP Basic and session, and its limits."""

import base64
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client
from django.utils import timezone

from keys.changes import create_key
from keys.models import PersonalKey
from logins.models import AttemptCounter
from tests.management.conftest import ROOT, only, user_with
from web.client_address import client_address

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def cheap(settings):
    """Cheap password hashes."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def joe(db):
    """A user with a password who may view tokens."""
    user = user_with("tokens.ui_available")
    user.username = "joe"
    user.set_password(PASSWORD)
    user.save()
    return user


def basic(name, password=PASSWORD):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def token(key):
    return {"Authorization": f"Token {key}"}


def get(headers, path="tokens/", client=None, **extra):
    return (client or Client(enforce_csrf_checks=True)).get(ROOT + path, headers=headers, **extra)


def refused_401(response):
    assert only(response, 401) == {"reason": "NotAuthenticated"}
    assert response["WWW-Authenticate"].startswith("Token realm=")
    assert "Basic realm=" in response["WWW-Authenticate"]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic x",
        "Basic !!!",
        "Basic " + base64.b64encode(b"joe").decode(),
        "Basic " + base64.b64encode(b"joe:wrong").decode(),
        "Basic " + base64.b64encode(b"nobody:x").decode(),
        "Basic " + base64.b64encode(b":").decode(),
        "Basic " + base64.b64encode(b"j\0e:x").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + base64.b64encode(b"x" * 5_000 + b":x").decode(),
        "Token",
        "Token ",
        "Token x y",
        "Token x",
        "Token \xff",
        "Token udapik" + "0" * 64,
        "Token " + "0" * 5_000,
        "Bearer x",
        "Digest x",
        "Negotiate",
    ],
)
@pytest.mark.parametrize("path", ["tokens/", "definitions/count/", "keys/", "nowhere/"])
def test_missing_or_wrong_credentials_are_refused(joe, header, path):
    refused_401(get({} if header is None else {"Authorization": header}, path))


def test_the_right_password_lets_in(joe):
    assert get(basic("joe")).status_code == 200
    assert only(get(basic("joe"), "definitions/"), 403) == {"reason": "PermissionDenied"}
    joe.is_active = False
    joe.save()
    refused_401(get(basic("joe")))


def test_a_session_lets_in_and_needs_the_csrf_token(joe, make):
    joe.is_superuser = True
    joe.save()
    client = Client(enforce_csrf_checks=True)
    client.force_login(joe)
    assert get({}, client=client).status_code == 200
    refusal = client.post(f"{ROOT}tokens/", {"name": "x"}, content_type="application/json")
    assert only(refusal, 403) == {"reason": "PermissionDenied"}
    client.cookies["csrftoken"] = "c" * 32
    headers = {"X-CSRFToken": "c" * 32}
    made = client.post(f"{ROOT}tokens/", {"name": "x"}, content_type="application/json", headers=headers)
    assert made.status_code == 201


def test_a_key_is_shown_once_and_has_its_owners_flags(joe):
    before = timezone.now()
    made = Client().post(f"{ROOT}keys/", {"name": "ci", "expiresInDays": 3}, "application/json", headers=basic("joe"))
    assert made.status_code == 201
    answer = made.json()
    key = answer.pop("key")
    assert answer.keys() == {"id", "name", "user", "createdAt", "expiresAt"}
    stored = PersonalKey.objects.get()
    assert timedelta(days=3) <= stored.expiry - before < timedelta(days=3, minutes=1)
    assert key not in str(PersonalKey.objects.values())
    assert get(token(key)).status_code == 200
    assert only(get(token(key), "definitions/"), 403) == {"reason": "PermissionDenied"}
    assert get(token(key), "keys/").json()["results"] == [answer]
    joe.user_permissions.clear()
    assert only(get(token(key)), 403) == {"reason": "PermissionDenied"}


def test_a_key_lives_90_days_by_default(joe):
    Client().post(f"{ROOT}keys/", {"name": "ci"}, "application/json", headers=basic("joe"))
    assert timedelta(days=89) < PersonalKey.objects.get().expiry - timezone.now() <= timedelta(days=90)


@pytest.mark.parametrize("end", ["expired", "revoked", "inactive", "owner deleted"])
def test_an_ended_key_is_refused(joe, end):
    made, key = create_key(joe, "ci", 1)
    assert get(token(key)).status_code == 200
    match end:
        case "expired":
            PersonalKey.objects.update(expiry=timezone.now() - timedelta(seconds=1))
        case "revoked":
            assert Client().delete(f"{ROOT}keys/{made.public_id}/", headers=token(key)).status_code == 204
        case "inactive":
            User.objects.update(is_active=False)
        case "owner deleted":
            joe.delete()
    refused_401(get(token(key)))


def test_api_tokens_and_personal_keys_are_not_interchangeable(joe, make):
    api = make()
    _, key = create_key(joe, "ci", 1)
    for scheme in ("Bearer", "Token"):
        refused_401(get({"Authorization": f"{scheme} {api.secret}"}))
    refused_401(get(basic(api.token.name, api.secret)))
    refused_401(get({"Authorization": f"Bearer {key}"}))
    for headers in (token(key), {"Authorization": f"Bearer {key}"}, basic("joe")):
        assert Client().get(api.path, headers=headers).status_code == 401


def test_a_key_costs_no_password_hash(joe, monkeypatch):
    _, key = create_key(joe, "ci", 1)
    monkeypatch.setattr("django.contrib.auth.hashers.MD5PasswordHasher.encode", _never)
    assert get(token(key)).status_code == 200


def _never(*args, **kwargs):
    pytest.fail("a password was hashed")


def fail(times, name="joe", **extra):
    return [get(basic(name, "wrong"), **extra) for _ in range(times)]


def test_after_too_many_failures_the_password_is_not_checked(joe, monkeypatch):
    answers = [response.status_code for response in fail(11)]
    assert answers == [401] * 9 + [429] * 2
    monkeypatch.setattr("django.contrib.auth.models.AbstractBaseUser.check_password", _never)
    refused = get(basic("joe"))
    assert only(refused, 429) == {"reason": "TooManyAttempts"}
    assert int(refused["Retry-After"]) > 0


def test_an_unknown_user_is_refused_like_a_wrong_password(db):
    assert [response.status_code for response in fail(11, "nobody")] == [401] * 9 + [429] * 2


def test_another_user_and_another_address_are_let_in(joe):
    other = User.objects.create_superuser("other", password=PASSWORD)
    fail(10)
    assert get(basic("joe")).status_code == 429
    assert get(basic(other.username)).status_code == 200
    assert get(basic("joe"), REMOTE_ADDR="192.0.2.1").status_code == 200
    # Only a trusted proxy's `X-Forwarded-For` counts.
    assert get(basic("joe"), HTTP_X_FORWARDED_FOR="192.0.2.1").status_code == 429
    _, key = create_key(joe, "ci", 1)
    assert get(token(key)).status_code == 200


def test_the_console_counts_the_same_attempts(joe):
    joe.is_staff = True
    joe.save()
    form = {"username": "joe", "password": "wrong"}
    answers = [Client().post("/console/login/", form).status_code for _ in range(10)]
    assert answers == [200] * 9 + [429]
    refused = Client().post("/console/login/", form | {"password": PASSWORD})
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    assert get(basic("joe")).status_code == 429


def test_attempts_are_forgotten_in_time(joe):
    fail(10)
    AttemptCounter.objects.update(ends_at=F("ends_at") - timedelta(minutes=16))
    assert get(basic("joe")).status_code == 200


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "expected"),
    [
        ([], "10.0.0.1", "192.0.2.1", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "192.0.2.1", "192.0.2.1"),
        (["10.0.0.1"], "10.0.0.1", "198.51.100.7, 192.0.2.1", "192.0.2.1"),
        (["10.0.0.0/8"], "10.0.0.1", "198.51.100.7, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        (["10.0.0.0/8"], "10.0.0.1", "rubbish", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "", "10.0.0.1"),
        (["10.0.0.0/8"], "192.0.2.9", "198.51.100.7", "192.0.2.9"),
        (["::1"], "::1", "2001:db8::1", "2001:db8::1"),
        ([], "", "192.0.2.1", "0.0.0.0"),  # noqa: S104  compared, not bound
    ],
)
def test_forwarded_addresses_are_believed_only_from_trusted_proxies(rf, settings, trusted, peer, forwarded, expected):
    settings.UDAPI_TRUSTED_PROXIES = trusted
    request = rf.get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == expected
