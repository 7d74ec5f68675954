"""The last superuser who can log in stays: in the console, in a shell, and when two delete each other."""

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.test import Client
from django.urls import reverse

from testbed.people import remove_users
from tests.race import race, refusals

PASSWORD = "a password of ours"
LAST = "This is the last active superuser with a password: make another one first."


@pytest.fixture(autouse=True)
def cheap(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def root(db):
    return User.objects.create_superuser("root", password=PASSWORD)


@pytest.fixture
def console(db):
    """Logged in as a superuser without a password, who does not count."""
    client = Client()
    client.force_login(User.objects.create_superuser("without password"))
    return client


def _demote(user):
    user.is_superuser = False
    user.save()


def _deactivate(user):
    user.is_active = False
    user.save(update_fields=["is_active"])


def _take_password(user):
    user.set_unusable_password()
    user.save()


LOSSES = [_demote, _deactivate, _take_password, lambda user: user.delete(), lambda _: User.objects.all().delete()]


@pytest.mark.parametrize("lose", LOSSES)
def test_the_last_superuser_is_not_lost_in_a_shell(root, lose):
    User.objects.create_superuser("without password")
    with pytest.raises(ValidationError) as caught, transaction.atomic():
        lose(root)
    assert (caught.value.code, caught.value.messages) == ("LastSuperuser", [LAST])
    stored = User.objects.get(username="root")
    assert stored.is_superuser
    assert stored.is_active
    assert stored.check_password(PASSWORD)


@pytest.mark.parametrize("lose", LOSSES[:-1])
def test_one_of_two_superusers_may_be_deleted(root, lose):
    User.objects.create_superuser("other", password=PASSWORD)
    lose(root)
    assert User.objects.filter(username="other").exists()


def test_ordinary_users_come_and_go(root):
    user = User.objects.create_user("joe", password=PASSWORD)
    _deactivate(user)
    _take_password(user)
    user.delete()
    root.first_name = "changed"
    root.save()


def test_the_form_says_why(root, console):
    address = reverse("admin:auth_user_change", args=[root.pk])
    for sent in ({"is_active": "on"}, {"is_superuser": "on"}, {}):
        response = console.post(address, {"username": "root"} | sent)
        assert response.status_code == 200
        assert LAST in response.content.decode()
    kept = console.post(address, {"username": "root", "is_active": "on", "is_superuser": "on"})
    assert kept.status_code == 302


def test_the_password_page_keeps_the_last_superuser(root, console):
    address = reverse("admin:auth_user_password_change", args=[root.pk])
    response = console.post(address, {"usable_password": "false", "unset-password": "1"})
    assert response.status_code == 200
    assert LAST in response.content.decode()
    assert User.objects.get(pk=root.pk).has_usable_password()


def test_delete_pages_keep_the_last_superuser(root, console):
    address = reverse("admin:auth_user_delete", args=[root.pk])
    assert LAST in console.get(address).content.decode()
    console.post(address, {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"}
    assert LAST in console.post(reverse("admin:auth_user_changelist"), chosen).content.decode()
    assert User.objects.filter(pk=root.pk).exists()


def _in_a_transaction(change, name):
    def run():
        with transaction.atomic():
            change(User.objects.get(username=name))

    return run


@pytest.mark.usefixtures("open_db")
@pytest.mark.parametrize("change", [_demote, lambda user: user.delete()])
def test_two_superusers_cannot_delete_each_other_at_once(change):
    names = ("one of two", "two of two")
    for name in names:
        User.objects.create_superuser(name, password=PASSWORD)
    try:
        outcomes = race(*(_in_a_transaction(change, name) for name in names))
        assert [error.code for error in refusals(outcomes)] == ["LastSuperuser"]
        assert User.objects.filter(username__in=names, is_superuser=True).count() == 1
    finally:
        remove_users(username__in=names)
