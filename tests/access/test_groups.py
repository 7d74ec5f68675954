"""Flags and ready groups as a migrate leaves them in the database."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.core.management import call_command
from django.db import connection

from access import flags
from access.policy import FLAGS, POLICY, allows, labels_allowing, manages_people, may_enter

migration = import_module("access.migrations.0001_groups")
runs_migration = import_module("access.migrations.0002_groups_see_runs")
credentials_migration = import_module("access.migrations.0003_groups_see_credentials")

NAMES = {
    "User-defined APIs > Definitions > UI available",
    "User-defined APIs > Definitions > Add/Edit",
    "User-defined APIs > Definitions > Delete",
    "User-defined APIs > Tokens > UI available",
    "User-defined APIs > Tokens > Add/Edit",
    "User-defined APIs > Tokens > Delete",
    "Automation > UI available",
    "Automation > Add/Edit",
    "Automation > Delete",
    "Automation > Execute",
    "Automation > Credentials > UI available",
    "Automation > Credentials > Add/Edit",
    "Automation > Credentials > Delete",
    "User-defined APIs > Runs > UI available",
    "User-defined APIs > Runs > Bodies",
    "User-defined APIs > Runs > Cancel",
}
RUNS = {"runs.ui_available", "runs.bodies", "runs.cancel"}
READY = {
    "Viewer": {
        "definitions.ui_available",
        "tokens.ui_available",
        "automation.ui_available",
        "automation.credentials_ui_available",
        "runs.ui_available",
    },
    "API developer": {
        "definitions.ui_available",
        "definitions.add_edit",
        "definitions.delete",
        "tokens.ui_available",
        "automation.ui_available",
        "automation.add_edit",
        "automation.delete",
        "automation.execute",
        "automation.credentials_ui_available",
    }
    | RUNS,
    "Token officer": {
        "definitions.ui_available",
        "tokens.ui_available",
        "tokens.add_edit",
        "tokens.delete",
        "runs.ui_available",
    },
    "Administrator": FLAGS,
}

pytestmark = pytest.mark.django_db


class Editor:
    """As much of a schema editor as the migration asks for."""

    connection = connection


@pytest.fixture
def no_groups():
    """A database as if the migration had not run, whatever other tests did to it."""
    Group.objects.all().delete()


def migrate_again() -> None:
    migration.create_groups(apps, Editor)
    runs_migration.add_flags(apps, Editor)
    credentials_migration.add_flags(apps, Editor)


def held(group: Group) -> set[str]:
    return {f"{flag.content_type.app_label}.{flag.codename}" for flag in group.permissions.all()}


def test_the_contracts_flags_are_the_only_permissions():
    assert {flag.name for flag in Permission.objects.all()} == NAMES
    assert Permission.objects.count() == len(NAMES)


def test_every_flag_is_one_that_the_policy_knows():
    assert [flag.name for flag in flags.flags()] == sorted(NAMES)
    assert held_by_all() == FLAGS


def held_by_all() -> set[str]:
    return {f"{flag.content_type.app_label}.{flag.codename}" for flag in Permission.objects.all()}


def test_a_migrate_makes_lost_flags_again_and_no_stock_permissions():
    Permission.objects.all().delete()
    call_command("migrate", verbosity=0)
    assert {flag.name for flag in Permission.objects.all()} == NAMES


def test_the_ready_groups(no_groups):
    migrate_again()
    assert {group.name: held(group) for group in Group.objects.all()} == READY


def test_groups_are_made_before_the_flags_are(no_groups):
    Permission.objects.all().delete()
    migrate_again()
    assert {group.name: held(group) for group in Group.objects.all()} == READY


def test_an_existing_group_of_that_name_stays_as_it_is(no_groups):
    Group.objects.create(name="Viewer")
    migrate_again()
    assert held(Group.objects.get(name="Viewer")) == set()
    assert Group.objects.count() == len(READY)


def test_the_next_migrate_brings_no_deleted_or_renamed_group_back(no_groups):
    migrate_again()
    Group.objects.filter(name="Token officer").delete()
    Group.objects.filter(name="Viewer").update(name="Support")
    call_command("migrate", verbosity=0)
    assert set(Group.objects.values_list("name", flat=True)) == {"Support", "API developer", "Administrator"}


def test_a_ready_group_that_an_operator_has_changed_gets_no_new_flags(no_groups):
    migration.create_groups(apps, Editor)
    viewer = Group.objects.get(name="Viewer")
    viewer.permissions.remove(*viewer.permissions.filter(content_type__app_label="tokens"))
    runs_migration.add_flags(apps, Editor)
    credentials_migration.add_flags(apps, Editor)
    assert held(viewer) == {"definitions.ui_available", "automation.ui_available"}
    assert held(Group.objects.get(name="Administrator")) == FLAGS


# --- The policy itself ---


def user_with(*names: str, **fields: Any) -> User:
    user = User.objects.create_user("somebody", **fields)
    for name in names:
        app_label, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    return user


@pytest.mark.parametrize("row", POLICY)
def test_each_policy_row_needs_its_flags(row):
    need = POLICY[row]
    for alternative in need:
        user = user_with(*alternative)
        assert allows(user, *row)
        user.delete()
    user = user_with(*FLAGS - {next(iter(alternative)) for alternative in need})
    assert not allows(user, *row)


@pytest.mark.parametrize("row", POLICY)
def test_no_action_is_allowed_without_a_flag(row):
    assert not allows(AnonymousUser(), *row)
    assert not allows(user_with(is_staff=True), *row)


@pytest.mark.parametrize("row", POLICY)
def test_an_active_superuser_may_do_everything(row):
    user = User.objects.create_superuser("root")
    assert allows(user, *row)
    user.is_active = False
    assert not allows(user, *row)


def test_a_missing_row_raises():
    with pytest.raises(KeyError):
        allows(User.objects.create_superuser("root"), "auth.user", "view")


def test_who_may_enter():
    assert not may_enter(AnonymousUser())
    assert not may_enter(user_with(is_staff=True))
    User.objects.all().delete()
    user = user_with("automation.delete")
    assert may_enter(user)
    user.is_active = False
    assert not may_enter(user)


def test_the_flags_of_a_group_are_its_members(no_groups):
    migrate_again()
    user = user_with()
    user.groups.add(Group.objects.get(name="Viewer"))
    assert labels_allowing(user, "view_events") == {label for label, action in POLICY if action == "view_events"}
    assert labels_allowing(user, "delete") == set()


@pytest.mark.parametrize(
    ("names", "may"),
    [
        (["automation.add_edit"], False),
        (["automation.execute"], False),
        (["automation.add_edit", "automation.execute"], True),
    ],
)
def test_publishing_needs_both_flags(names, may):
    assert allows(user_with(*names), "automation.automationscript", "publish") is may


def test_only_superusers_manage_people():
    assert not manages_people(AnonymousUser())
    assert not manages_people(user_with(*FLAGS, is_staff=True))
    assert manages_people(User.objects.create_superuser("root"))
