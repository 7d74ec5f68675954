"""Personal keys over the management API: their lifetime, their number, what ends them, and who sees them."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from keys.changes import create_key
from keys.models import LONGEST_DAYS, MOST_KEYS, PersonalKey
from tests.management.conftest import ROOT, only, refused, user_with
from tests.race import race, refusals

KEYS = f"{ROOT}keys/"


def token(key: str) -> dict[str, str]:
    return {"Authorization": f"Token {key}"}


def make(key: str, **body: object):
    """The answer to a key that creates another."""
    return Client().post(KEYS, {"name": "another"} | body, "application/json", headers=token(key))


def status(key: str) -> int:
    return Client().get(KEYS, headers=token(key)).status_code


@pytest.fixture
def joe(db):
    """A user who may view tokens."""
    return user_with("tokens.ui_available")


@pytest.fixture
def root(db):
    """A superuser."""
    return User.objects.create_superuser("root")


# --- A key creates keys ---


@pytest.mark.parametrize("days", [1, 2, 90, LONGEST_DAYS])
def test_a_key_cannot_create_one_that_outlives_it(joe, days):
    _, key = create_key(joe, "ci", 1)
    assert only(make(key, expiresInDays=days), 400) == {"reason": "InvalidField", "field": "expiresInDays"}
    assert PersonalKey.objects.count() == 1


def test_a_key_creates_one_that_ends_before_it_or_with_it(joe):
    old, key = create_key(joe, "ci", 10)
    short, same = make(key, expiresInDays=3), make(key)
    assert (short.status_code, same.status_code) == (201, 201)
    ends = dict(PersonalKey.objects.values_list("public_id", "expiry"))
    by_name = {str(made): expiry for made, expiry in ends.items()}
    assert by_name[same.json()["id"]] == old.expiry
    assert timedelta(days=2) < by_name[short.json()["id"]] - timezone.now() < timedelta(days=3)
    # Nor do keys that it created.
    assert only(make(short.json()["key"], expiresInDays=4), 400)["reason"] == "InvalidField"


def test_a_longer_key_creates_one_of_90_days_by_default(joe):
    _, key = create_key(joe, "ci", 1_000)
    assert make(key).status_code == 201
    made = PersonalKey.objects.get(name="another")
    assert timedelta(days=89) < made.expiry - timezone.now() < timedelta(days=90)


def test_keys_end_with_the_key_that_created_them(joe):
    old, key = create_key(joe, "ci", 10)
    other = create_key(joe, "other", 10)[1]
    child = make(key).json()["key"]
    grandchild = make(child).json()["key"]
    assert [status(one) for one in (child, grandchild)] == [200, 200]
    assert Client().delete(f"{KEYS}{old.pk}/", headers=token(other)).status_code == 204
    assert [status(one) for one in (key, child, grandchild, other)] == [401, 401, 401, 200]


def test_a_key_ended_during_the_request_creates_none(joe):
    old, _ = create_key(joe, "ci", 10)
    PersonalKey.objects.all().delete()
    with pytest.raises(PermissionDenied):
        create_key(joe, "another", made_with=old)
    assert not PersonalKey.objects.exists()


# --- At most 50 ---


def test_a_user_has_at_most_50_keys(joe, root):
    _, key = create_key(joe, "ci", 2)
    for _ in range(MOST_KEYS - 1):
        create_key(joe, "ci", 2)
    assert MOST_KEYS == 50
    assert only(make(key), 409) == {"reason": "TooManyKeys", "most": 50}
    create_key(root, "of another user", 1)
    # Those that have expired do not count.
    PersonalKey.objects.filter(pk__in=PersonalKey.objects.exclude(token_key=key[:15])[:1]).update(
        expiry=timezone.now() - timedelta(days=1)
    )
    assert make(key).status_code == 201


def test_simultaneous_requests_cannot_exceed_the_limit_of_keys(open_db):
    joe = user_with("tokens.ui_available")
    try:
        for _ in range(MOST_KEYS - 2):
            create_key(joe, "ci", 1)
        outcomes = race(*[lambda: create_key(joe, "one more", 1)] * 8)
        assert len(refusals(outcomes)) == 6
        assert PersonalKey.objects.filter(user=joe).count() == MOST_KEYS
    finally:
        joe.delete()


# --- Superusers ---


def test_a_superuser_lists_and_ends_the_keys_of_all_users(joe, root):
    made, theirs = create_key(joe, "theirs", 1)
    _, key = create_key(root, "own", 1)
    listed = Client().get(KEYS, headers=token(key)).json()
    assert [(entry["name"], entry["user"]) for entry in listed["results"]] == [
        ("own", "root"),
        ("theirs", joe.username),
    ]
    narrowed = Client().get(KEYS, {"user": joe.username}, headers=token(key)).json()
    assert [entry["name"] for entry in narrowed["results"]] == ["theirs"]
    assert Client().delete(f"{KEYS}{made.pk}/", headers=token(key)).status_code == 204
    assert (status(theirs), status(key)) == (401, 200)


def test_other_users_do_not_see_a_key(joe, root):
    theirs, _ = create_key(root, "theirs", 1)
    _, key = create_key(joe, "own", 1)
    assert [entry["name"] for entry in Client().get(KEYS, headers=token(key)).json()["results"]] == ["own"]
    assert Client().get(KEYS, {"user": "root"}, headers=token(key)).json()["results"] == []
    for key_id in (theirs.public_id, theirs.digest, "x", "00000000-0000-4000-8000-000000000000"):
        assert only(Client().delete(f"{KEYS}{key_id}/", headers=token(key)), 404) == {"reason": "NotFound"}
    assert PersonalKey.objects.count() == 2


def test_an_inactive_superuser_sees_nothing(joe, root):
    create_key(joe, "theirs", 1)
    _, key = create_key(root, "own", 1)
    User.objects.filter(pk=root.pk).update(is_active=False)
    refused(Client().get(KEYS, headers=token(key)), 401)


def test_creating_and_ending_a_key_is_logged_without_the_key(joe, root, caplog):
    caplog.set_level("INFO")
    made, key = create_key(joe, "ci", 1)
    _, roots = create_key(root, "own", 1)
    Client().delete(f"{KEYS}{made.pk}/", headers=token(roots))
    lines = [record.getMessage() for record in caplog.records if record.name == "udapi.audit.keys"]
    assert lines[0] == f"personal key {made.pk} of '{joe.username}' was made"
    assert lines[-1] == f"personal key {made.pk} of '{joe.username}' was ended by 'root'"
    assert key not in caplog.text
