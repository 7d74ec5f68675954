"""The pages of users and groups: flags as a matrix, hints, members, and what a person may do."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from access.effects import companions, console_companion, has_effect
from access.policy import FLAGS
from console.people.flag_matrix import FlagCell, hints, matrix, words
from events.models import InformationEvent
from tests.console.conftest import page


def flag(name: str) -> Permission:
    return Permission.objects.get(name=name)


@pytest.fixture
def team(db):
    """A group with one member."""
    group = Group.objects.create(name="Night shift")
    group.permissions.add(flag("Automation > UI available"))
    member = User.objects.create_user("nina", first_name="Nina", last_name="Ray", email="nina@example.com")
    member.groups.add(group)
    return group, member


def test_the_matrix_has_every_flag(db):
    rows = matrix({each: FlagCell(each, each, "", is_given=False) for each in FLAGS})
    assert {cell.flag for row in rows for cell in (*row.cells, *row.others) if cell} == FLAGS
    assert set(words()) < FLAGS


def test_a_flag_without_effect_says_what_it_needs(db):
    assert companions("definitions.add_edit") == [frozenset({"automation.execute"})]
    assert not has_effect("definitions.add_edit", {"definitions.add_edit", "tokens.delete"})
    assert has_effect("definitions.add_edit", {"definitions.add_edit", "automation.execute"})
    assert console_companion("tokens.delete") == {"tokens.ui_available"}
    assert console_companion("tokens.ui_available") == console_companion("automation.execute") == frozenset()

    def shown(*given: str) -> list[str]:
        return [hint.text for hint in hints(given) if hint.is_shown]

    assert shown("definitions.add_edit") == [
        "User-defined APIs > Definitions > Add/Edit has no effect without Automation > Execute."
    ]
    (text,) = shown("tokens.delete")
    assert "works in the management API only" in text
    assert "User-defined APIs > Tokens > UI available" in text
    assert shown(*FLAGS) == []


def test_the_page_of_a_user_says_what_they_may_do_and_why(admin, team):
    group, member = team
    member.user_permissions.add(flag("User-defined APIs > Definitions > Add/Edit"))
    html = admin.get(page("auth_user", "view", member.pk)).content.decode()
    assert "Nina Ray" in html
    assert "What this person may do" in html
    assert "Night shift" in html
    assert "needs Automation &gt; Execute and User-defined APIs &gt; Definitions &gt; Add/Edit" in html
    assert "has no effect without Automation &gt; Execute" in html
    assert "Manage users and groups" in html
    assert page("auth_group", "view", group.pk) in html


def test_forms_show_neither_hash_nor_salt(admin, team):
    _group, member = team
    member.set_password("a password that nobody knows")
    member.save()
    for kind in ("view", "change"):
        html = admin.get(page("auth_user", kind, member.pk)).content.decode()
        assert member.password.split("$")[-1] not in html
        assert "algorithm" not in html
    assert "data-flag-matrix" in html
    assert 'data-flags="automation.ui_available"' in html


def test_members_are_listed_added_and_removed(admin, team):
    group, member = team
    other = User.objects.create_user("omar")
    html = admin.get(page("auth_group", "view", group.pk)).content.decode()
    assert page("auth_user", "view", member.pk) in html
    members = f"/console/auth/group/{group.pk}/members/"
    answer = admin.post(members, {"username": "omar", "change": "add"}, follow=True)
    assert "omar is a member now." in answer.content.decode()
    answer = admin.post(members, {"username": "nina", "change": "remove"}, follow=True)
    assert "nina is no longer a member." in answer.content.decode()
    assert list(group.user_set.all()) == [other]
    for name in ("nobody", "", "nul\0"):
        answer = admin.post(members, {"username": name, "change": "add"}, follow=True)
        assert "There is no user with this name." in answer.content.decode()
    assert admin.get(members).status_code == 403
    assert InformationEvent.objects.filter(message__contains="'omar'").exists()


def test_members_are_for_superusers_alone(visit, team):
    group, _member = team
    answer = visit(*FLAGS).post(f"/console/auth/group/{group.pk}/members/", {"username": "nina", "change": "remove"})
    assert answer.status_code == 403
    assert "a superuser" in answer.content.decode()
    assert group.user_set.count() == 1


def test_everybody_sees_their_own_permissions_and_a_refusal_leads_there(visit):
    client = visit("tokens.ui_available", "tokens.add_edit")
    html = client.get("/console/permissions/").content.decode()
    assert "What you may do" in html
    assert "needs Automation &gt; Execute" in html
    refused = client.get(page("automation_automationscript", "changelist"))
    assert refused.status_code == 403
    assert "This page needs Automation &gt; UI available." in refused.content.decode()
    assert "/console/permissions/" in refused.content.decode()


def test_the_log_in_shows_one_error_and_where_the_first_password_is(client, db):
    answer = client.post("/console/login/", {"username": "nobody", "password": "wrong"}).content.decode()
    assert answer.count('role="alert"') == 1
    assert "make run prints the user name and the password" in answer
