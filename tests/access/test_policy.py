"""Every row of the policy, and what is refused without one."""

import itertools

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Group, Permission, User

from access.policy import FLAGS, POLICY, allows
from objects.authorship import AuthoredModel

ALL_FLAGS = sorted(FLAGS)

# Written from the contract: what each action needs.
NEEDED = {
    ("definitions.apidefinition", "view"): {"definitions.ui_available"},
    ("definitions.apidefinition", "add"): {"definitions.add_edit", "automation.execute"},
    ("definitions.apidefinition", "change"): {"definitions.add_edit", "automation.execute"},
    ("definitions.apidefinition", "delete"): {"definitions.delete"},
    ("tokens.apitoken", "view"): {"tokens.ui_available"},
    ("tokens.apitoken", "add"): {"tokens.add_edit"},
    ("tokens.apitoken", "change"): {"tokens.add_edit"},
    ("tokens.apitoken", "delete"): {"tokens.delete"},
    ("automation.automationscript", "view"): {"automation.ui_available"},
    ("automation.automationscript", "add"): {"automation.add_edit"},
    ("automation.automationscript", "change"): {"automation.add_edit"},
    ("automation.automationscript", "delete"): {"automation.delete"},
    ("automation.credential", "view"): {"automation.credentials_ui_available"},
    ("automation.credential", "add"): {"automation.credentials_add_edit"},
    ("automation.credential", "change"): {"automation.credentials_add_edit"},
    ("automation.credential", "delete"): {"automation.credentials_delete"},
}


def _permission(flag: str) -> Permission:
    app, codename = flag.split(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)


def _user(name: str, flags: set[str], **fields) -> User:
    user = User.objects.create(username=name, **fields)
    user.user_permissions.set([_permission(flag) for flag in flags])
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize("row", NEEDED, ids="-".join)
def test_exactly_its_flags_allow_an_action(db, row):
    needed = NEEDED[row]
    assert allows(_user("all of them", needed), *row)
    for number, flag in enumerate(sorted(needed)):
        everything_else = set(ALL_FLAGS) - {flag}
        assert not allows(_user(f"all but {number}", everything_else), *row)


def test_flags_of_a_group_count(db):
    group = Group.objects.create(name="publishers")
    group.permissions.set([_permission(flag) for flag in NEEDED["definitions.apidefinition", "add"]])
    user = _user("member", set())
    user.groups.add(group)
    assert allows(User.objects.get(pk=user.pk), "definitions.apidefinition", "add")
    assert not allows(User.objects.get(pk=user.pk), "definitions.apidefinition", "delete")


@pytest.mark.parametrize("row", NEEDED, ids="-".join)
def test_actions_without_a_grant_are_refused(db, row):
    assert not allows(AnonymousUser(), *row)
    assert not allows(_user("staff", set(), is_staff=True), *row)
    assert not allows(_user("inactive", set(ALL_FLAGS), is_active=False), *row)
    assert not allows(_user("inactive root", set(), is_active=False, is_superuser=True), *row)
    assert allows(_user("root", set(), is_superuser=True), *row)


@pytest.mark.parametrize(
    ("label", "action"),
    [
        ("definitions.apidefinition", "publish"),
        ("definitions.allowedtoken", "view"),
        ("tokens.ApiToken", "view"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("fields", [{"is_superuser": True}, {}])
def test_a_missing_row_raises_for_everybody(db, label, action, fields):
    with pytest.raises(KeyError):
        allows(_user("somebody", set(), **fields), label, action)


def test_the_policy_covers_every_object_and_action():
    models = [model for model in apps.get_models() if issubclass(model, AuthoredModel)]
    assert set(POLICY) >= set(
        itertools.product([model._meta.label_lower for model in models], ("view", "add", "change", "delete"))
    )
    assert all(POLICY.values()), "an action that needs no flag"


def test_every_flag_of_the_policy_exists(db):
    for flag in ALL_FLAGS:
        _permission(flag)
