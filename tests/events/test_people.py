"""Users, groups, flags and keys: each committed change leaves one event, which superusers alone see."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connections, transaction
from django.test import Client
from django.urls import reverse

from events.models import InformationEvent
from events.readers import Reader
from events.visibility import readable_types
from foundation.logs import AUDIT_LOGGER
from keys.changes import create_key
from testbed.people import remove_users

PREFIX = "recorded-"
PEOPLE = ["User", "Group", "PersonalKey"]


@pytest.fixture
def people(open_db, settings):
    """Makes users and groups as other processes see them; gone at the end."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    yield lambda name, **fields: User.objects.create_user(PREFIX + name, **fields)
    remove_users(username__startswith=PREFIX)
    Group.objects.filter(name__startswith=PREFIX).delete()


@pytest.fixture
def console(people):
    """Logged in as a superuser."""
    client = Client()
    client.force_login(people("root", is_superuser=True, first_name="Ruth", last_name="Root"))
    return client


@pytest.fixture
def new(people):
    """The messages of the events since it was asked last, without their ids; `new()`."""
    seen = set(InformationEvent.objects.values_list("pk", flat=True))

    def new() -> list[str]:
        found = InformationEvent.objects.filter(object_type__in=PEOPLE).exclude(pk__in=seen).order_by("number")
        seen.update(event.pk for event in found)
        return [event.message.replace(f" ({event.object_id})", "") for event in found]

    return new


def _flags(count: int = 2) -> list[Permission]:
    return list(Permission.objects.order_by("pk")[:count])


def _form(user: User, **changes: object) -> dict[str, object]:
    shown = {"username": user.username, "is_active": "on", "first_name": user.first_name, "last_name": user.last_name}
    return shown | {"groups": [], "user_permissions": []} | changes


def test_a_form_that_changes_user_groups_and_flags_leaves_one_event(console, people, new, caplog):
    group = Group.objects.create(name=f"{PREFIX}group")
    user = people("joe")
    new()
    address = reverse("admin:auth_user_change", args=[user.pk])
    changes = {"last_name": "Doe", "groups": [group.pk], "user_permissions": [flag.pk for flag in _flags()]}
    caplog.clear()
    assert console.post(address, _form(user, **changes)).status_code == 302
    assert new() == ["User 'recorded-joe' was updated by Ruth Root"]
    (line,) = [record.getMessage() for record in caplog.records if record.name == AUDIT_LOGGER]
    assert line.endswith("was updated by Ruth Root (last_name, groups, user_permissions)")


def test_a_form_that_changes_nothing_leaves_none(console, people, new):
    user = people("joe")
    new()
    assert console.post(reverse("admin:auth_user_change", args=[user.pk]), _form(user)).status_code == 302
    assert new() == []


def test_a_form_that_changes_flags_alone_leaves_one(console, people, new):
    user = people("joe")
    user.user_permissions.set(_flags(1))
    new()
    changed = _form(user, user_permissions=[flag.pk for flag in _flags(3)[1:]])
    console.post(reverse("admin:auth_user_change", args=[user.pk]), changed)
    assert new() == ["User 'recorded-joe' was updated by Ruth Root"]


def test_a_new_group_with_flags_is_one_event(console, new):
    flags = [flag.pk for flag in _flags()]
    console.post(reverse("admin:auth_group_add"), {"name": f"{PREFIX}team", "permissions": flags})
    assert new() == ["Group 'recorded-team' was added by Ruth Root"]
    group = Group.objects.get(name=f"{PREFIX}team")
    console.post(reverse("admin:auth_group_change", args=[group.pk]), {"name": group.name, "permissions": flags[:1]})
    console.post(reverse("admin:auth_group_delete", args=[group.pk]), {"post": "yes"})
    assert new() == ["Group 'recorded-team' was updated by Ruth Root", "Group 'recorded-team' was deleted by Ruth Root"]


def test_passwords_leave_an_event_and_log_ins_none(console, people, new):
    user = people("joe", password="an old password of mine")
    new()
    address = reverse("admin:auth_user_password_change", args=[user.pk])
    secret = "a new password of mine"
    assert console.post(address, {"password1": secret, "password2": secret}).status_code == 302
    assert new() == ["User 'recorded-joe' was updated by Ruth Root"]
    assert not InformationEvent.objects.filter(message__contains=secret).exists()
    Client().force_login(user)
    assert new() == []


def test_a_password_under_a_newer_hash_is_no_change(people, new, settings):
    user = people("joe", password="an old password of mine")
    new()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
    assert user.check_password("an old password of mine")
    assert user.password.startswith("pbkdf2")
    assert new() == []


def test_own_password_is_changed_by_the_user(people, new):
    user = people("joe", password="an old password of mine")
    user.user_permissions.set(_flags())
    new()
    client = Client()
    client.force_login(user)
    changed = {"old_password": "an old password of mine", "new_password1": "so new 1!", "new_password2": "so new 1!"}
    assert client.post(reverse("admin:password_change"), changed).status_code == 302
    assert "User 'recorded-joe' was updated by recorded-joe" in new()


def test_commands_and_the_shell_act_as_system(people, new, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a password of ours")
    call_command("createsuperuser", interactive=False, username=f"{PREFIX}jane", email="", verbosity=0)
    assert new() == ["User 'recorded-jane' was added by system"]
    jane = User.objects.get(username=f"{PREFIX}jane")
    jane.set_password("another password of ours")
    jane.save()
    jane.is_active = True
    jane.save()
    assert new() == ["User 'recorded-jane' was updated by system"]


def test_flags_given_from_either_side(people, new):
    first, second = people("one"), people("two")
    group = Group.objects.create(name=f"{PREFIX}group")
    new()
    group.user_set.add(first, second)
    assert sorted(new()) == [f"User 'recorded-{name}' was updated by system" for name in ("one", "two")]
    first.groups.add(group)
    first.groups.remove(*Group.objects.exclude(pk=group.pk))
    assert new() == []
    first.groups.set([])
    group.user_set.clear()
    group.permissions.set(_flags(2))
    group.permissions.set(_flags(4)[2:])
    assert new() == [
        "User 'recorded-one' was updated by system",
        "User 'recorded-two' was updated by system",
        "Group 'recorded-group' was updated by system",
        "Group 'recorded-group' was updated by system",
    ]


def test_what_is_rolled_back_leaves_none_and_no_line(people, new, caplog):
    user = people("joe")
    new()
    caplog.clear()
    with transaction.atomic():
        user.first_name = "changed"
        user.save()
        user.user_permissions.set(_flags())
        transaction.set_rollback(True)
    assert new() == []
    user.user_permissions.set(_flags())
    assert len(new()) == 1
    assert len(caplog.records) == 1


def test_a_second_try_after_a_savepoint_that_was_rolled_back_is_recorded(people, new):
    user = people("joe")
    new()
    with transaction.atomic():
        with transaction.atomic():
            user.user_permissions.add(*_flags())
            transaction.set_rollback(True)
        user.user_permissions.add(*_flags())
    assert new() == ["User 'recorded-joe' was updated by system"]


def test_keys_leave_events_with_their_owner_and_without_themselves(console, people, new):
    root = User.objects.get(username=f"{PREFIX}root")
    new()
    console.post(reverse("admin:keys_personalkey_add"), {"name": "deploy", "days": 1})
    assert new() == ["PersonalKey 'deploy' of 'recorded-root' was added by Ruth Root"]
    made, key = create_key(root, "second", 1)
    made.delete()
    described = "PersonalKey 'second' of 'recorded-root' was"
    assert new() == [f"{described} added by system", f"{described} deleted by system"]
    assert not InformationEvent.objects.filter(message__contains=key[:20]).exists()


def test_a_deleted_user_takes_their_keys_along(people, new):
    user = people("joe")
    create_key(user, "deploy", 1)
    new()
    user.delete()
    assert new() == [
        "PersonalKey 'deploy' of 'recorded-joe' was deleted by system",
        "User 'recorded-joe' was deleted by system",
    ]


def test_superusers_alone_may_read_them(people):
    ordinary = people("joe")
    ordinary.user_permissions.set(Permission.objects.all())
    ordinary = User.objects.get(pk=ordinary.pk)
    assert not readable_types(ordinary) & set(PEOPLE)
    assert readable_types(people("root", is_superuser=True)) >= set(PEOPLE)
    assert not readable_types(people("away", is_superuser=True, is_active=False))


SHOWN_AT = [
    *(f"/api/management/events/{name}" for name in ("", "export/csv/", "export/jsonl/")),
    *(f"/console/events/informationevent/{name}" for name in ("", "export/csv/", "export/jsonl/")),
]


def _content(client: Client, address: str) -> bytes:
    response: Any = client.get(address)
    assert response.status_code == 200
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.parametrize("address", SHOWN_AT)
def test_no_list_or_export_shows_them_to_others(console, people, address):
    ordinary = people("joe")
    ordinary.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(ordinary)
    assert b"recorded-root" not in _content(client, address)
    assert b"recorded-root" in _content(console, address)


def test_neither_a_count_nor_the_stream_tells_of_them(people):
    ordinary = people("joe")
    ordinary.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(ordinary)
    assert client.get("/api/management/events/count/?objectType=User").json() == {"count": 0}
    assert client.get("/api/management/events/count/?search=recorded-joe").json() == {"count": 0}
    assert not Reader(ordinary.pk, _AnyCredential()).readable() & set(PEOPLE)


class _AnyCredential:
    def holds(self, user: object) -> bool:
        return True


def test_one_event_in_every_process(people, new):
    """The savepoints of the test itself must not matter: this is what another connection sees."""
    people("joe")
    connections.close_all()
    assert new()[-1] == "User 'recorded-joe' was added by system"
