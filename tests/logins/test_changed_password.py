"""A new password ends its user's keys, however it is set; the page announces that."""

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.test import Client

from keys.changes import create_key
from keys.models import PersonalKey
from tests.logins.conftest import PASSWORD, api
from tests.race import race

NEW = "another horse, another battery"


@pytest.fixture
def ann(db, cheap):
    """A user with a flag, two keys, and a bystander with one."""
    user = User.objects.create_superuser("ann", password=PASSWORD)
    create_key(user, "one", 1)
    create_key(user, "two", 1)
    create_key(User.objects.create_user("bystander", password=PASSWORD), "other", 1)
    return user


def _by_own_page(user, monkeypatch):
    client = _client(user)
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert client.post("/console/password_change/", form).status_code == 302
    assert client.get("/console/").status_code == 200


def _by_page_of_a_superuser(user, monkeypatch):
    form = {"password1": NEW, "password2": NEW, "usable_password": "true", "set-password": "1"}
    answer = _client(User.objects.create_superuser("root")).post(f"/console/auth/user/{user.pk}/password/", form)
    assert answer.status_code == 302


def _by_taking_it_away(user, monkeypatch):
    form = {"password1": "", "password2": "", "usable_password": "false", "unset-password": "1"}
    # With a password: the last superuser who has one keeps it.
    answer = _client(User.objects.create_superuser("root", password=PASSWORD)).post(
        f"/console/auth/user/{user.pk}/password/", form
    )
    assert answer.status_code == 302
    user.refresh_from_db()
    assert not user.has_usable_password()


def _by_command(user, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda prompt: NEW)
    call_command("changepassword", user.username)


def _by_code(user, monkeypatch):
    user.set_password(NEW)
    user.save(update_fields=["password"])


def _to_the_same(user, monkeypatch):
    user.set_password(PASSWORD)
    user.save()


def _client(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    "change", [_by_own_page, _by_page_of_a_superuser, _by_taking_it_away, _by_command, _by_code, _to_the_same]
)
def test_a_new_password_ends_the_keys_of_its_user_alone(ann, monkeypatch, change):
    change(ann, monkeypatch)
    assert list(PersonalKey.objects.values_list("name", flat=True)) == ["other"]


def test_other_changes_of_a_user_end_no_key(ann):
    ann.first_name = "Ann"
    ann.save()
    _client(ann)
    assert PersonalKey.objects.count() == 3


def test_a_stronger_hash_of_the_same_password_ends_no_key(ann, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher", *settings.PASSWORD_HASHERS]
    before = User.objects.get(pk=ann.pk).password
    assert api("ann").status_code == 200
    assert User.objects.get(pk=ann.pk).password != before
    assert PersonalKey.objects.count() == 3


def test_a_key_that_is_made_while_the_password_changes_does_not_survive(open_db, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    User.objects.create_user("ann", password=PASSWORD)

    def change() -> None:
        user = User.objects.get(username="ann")
        user.set_password(NEW)
        user.save()

    def make() -> None:
        create_key(known, "late", 1)

    try:
        for _ in range(3):
            known = User.objects.get(username="ann")
            outcomes = race(make, change, make, make)
            assert all(outcome is None or isinstance(outcome, PermissionDenied) for outcome in outcomes)
            assert not PersonalKey.objects.exists()
    finally:
        User.objects.filter(username="ann").delete()


def test_a_session_with_an_old_password_makes_no_key(ann):
    User.objects.filter(pk=ann.pk).update(password=make_password(NEW))
    with pytest.raises(PermissionDenied):
        create_key(ann, "late", 1)


@pytest.mark.parametrize(
    ("keys", "own", "others"),
    [
        (0, None, None),
        (1, "This also ends your personal key.", "This also ends 1 personal key of joe."),
        (2, "This also ends your 2 personal keys.", "This also ends 2 personal keys of joe."),
    ],
)
def test_the_page_says_how_many_keys_it_ends(joe, keys, own, others):
    for _ in range(keys):
        create_key(joe, "ci", 1)
    shown = _client(joe).get("/console/password_change/").content.decode()
    root = _client(User.objects.create_superuser("root"))
    shown_to_others = root.get(f"/console/auth/user/{joe.pk}/password/").content.decode()
    if keys:
        assert own in shown
        assert others in shown_to_others
    else:
        assert "This also ends" not in shown + shown_to_others
