"""Each committed change of a user, group, flag or key leaves one event, which only superusers see."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connections, transaction
from django.test import Client
from django.urls import reverse

from events.models import InformationEvent
from events.visibility import KeyCredential, Reader, readable_types
from foundation.logs import AUDIT_LOGGER
from keys.changes import create_key
from testbed.people import remove_users

PREFIX = "recorded-"
PEOPLE = ["User", "Group", "PersonalKey"]


@pytest.fixture
def people(open_db, settings):
    """Creates users, committed, and deletes them and all groups of the test at the end."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    yield lambda name, **fields: User.objects.create_user(PREFIX + name, **fields)
    remove_users(username__startswith=PREFIX)
    Group.objects.filter(name__startswith=PREFIX).delete()


@pytest.fixture
def console(people):
    """A client that is logged in as a superuser."""
    client = Client()
    client.force_login(people("root", is_superuser=True, first_name="Ruth", last_name="Root"))
    return client


@pytest.fixture
def new(people):
    """`new()`: the messages of the events since the last call, without ids."""
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


def test_form_that_changes_user_groups_and_flags_leaves_one_event(console, people, new, caplog):
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


def test_form_that_changes_nothing_leaves_no_event(console, people, new):
    user = people("joe")
    new()
    assert console.post(reverse("admin:auth_user_change", args=[user.pk]), _form(user)).status_code == 302
    assert new() == []


def test_form_that_changes_only_flags_leaves_one_event(console, people, new):
    user = people("joe")
    user.user_permissions.set(_flags(1))
    new()
    changed = _form(user, user_permissions=[flag.pk for flag in _flags(3)[1:]])
    console.post(reverse("admin:auth_user_change", args=[user.pk]), changed)
    assert new() == ["User 'recorded-joe' was updated by Ruth Root"]


def test_new_group_with_flags_leaves_one_event(console, new):
    flags = [flag.pk for flag in _flags()]
    console.post(reverse("admin:auth_group_add"), {"name": f"{PREFIX}team", "permissions": flags})
    assert new() == ["Group 'recorded-team' was added by Ruth Root"]
    group = Group.objects.get(name=f"{PREFIX}team")
    console.post(reverse("admin:auth_group_change", args=[group.pk]), {"name": group.name, "permissions": flags[:1]})
    console.post(reverse("admin:auth_group_delete", args=[group.pk]), {"post": "yes"})
    assert new() == ["Group 'recorded-team' was updated by Ruth Root", "Group 'recorded-team' was deleted by Ruth Root"]


def test_new_password_leaves_an_event_and_log_in_leaves_none(console, people, new):
    user = people("joe", password="an old password of mine")
    new()
    address = reverse("admin:auth_user_password_change", args=[user.pk])
    secret = "a new password of mine"
    assert console.post(address, {"password1": secret, "password2": secret}).status_code == 302
    assert new() == ["User 'recorded-joe' was updated by Ruth Root"]
    assert not InformationEvent.objects.filter(message__contains=secret).exists()
    Client().force_login(user)
    assert new() == []


def test_password_rehashed_at_log_in_leaves_no_event(people, new, settings):
    user = people("joe", password="an old password of mine")
    new()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
    assert user.check_password("an old password of mine")
    assert user.password.startswith("pbkdf2")
    assert new() == []


def test_users_change_their_own_password_under_their_own_name(people, new):
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


def test_flags_and_groups_assigned_from_either_side_leave_events(people, new):
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


def test_change_of_a_user_that_is_rolled_back_leaves_no_event_and_no_log_line(people, new, caplog):
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


def test_second_try_after_a_rolled_back_savepoint_leaves_an_event(people, new):
    user = people("joe")
    new()
    with transaction.atomic():
        with transaction.atomic():
            user.user_permissions.add(*_flags())
            transaction.set_rollback(True)
        user.user_permissions.add(*_flags())
    assert new() == ["User 'recorded-joe' was updated by system"]


def test_events_of_personal_keys_name_the_owner_but_not_the_key(console, people, new):
    root = User.objects.get(username=f"{PREFIX}root")
    new()
    console.post(reverse("admin:keys_personalkey_add"), {"name": "deploy", "days": 1})
    assert new() == ["PersonalKey 'deploy' of 'recorded-root' was added by Ruth Root"]
    made, key = create_key(root, "second", 1)
    made.delete()
    described = "PersonalKey 'second' of 'recorded-root' was"
    assert new() == [f"{described} added by system", f"{described} deleted by system"]
    assert not InformationEvent.objects.filter(message__contains=key[:20]).exists()


def test_keys_of_a_deleted_user_leave_events(people, new):
    user = people("joe")
    create_key(user, "deploy", 1)
    new()
    user.delete()
    assert new() == [
        "PersonalKey 'deploy' of 'recorded-joe' was deleted by system",
        "User 'recorded-joe' was deleted by system",
    ]


def test_only_superusers_may_read_events_of_people(people):
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
def test_lists_and_exports_show_events_of_people_only_to_superusers(console, people, address):
    ordinary = people("joe")
    ordinary.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(ordinary)
    assert b"recorded-root" not in _content(client, address)
    assert b"recorded-root" in _content(console, address)


def test_counts_and_streams_hide_events_of_people_from_others(people):
    ordinary = people("joe")
    ordinary.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(ordinary)
    assert client.get("/api/management/events/count/?objectType=User").json() == {"count": 0}
    assert client.get("/api/management/events/count/?search=recorded-joe").json() == {"count": 0}
    assert not Reader(ordinary.pk, _ValidCredential("")).readable() & set(PEOPLE)


class _ValidCredential(KeyCredential):
    def holds(self, user: object) -> bool:
        return True


def test_event_of_a_user_is_visible_to_other_connections(people, new):
    """Read over another connection, so that the test's own transaction does not matter."""
    people("joe")
    connections.close_all()
    assert new()[-1] == "User 'recorded-joe' was added by system"
