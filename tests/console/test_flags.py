"""Who gets into the console, and how flags are given there."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from access.policy import FLAGS
from tests.console.conftest import FLAGS as KNOWN
from tests.console.conftest import filled_in, page

PASSWORD = "correct horse battery staple"

USER_FORM = ("auth_user", "user_permissions")
GROUP_FORM = ("auth_group", "permissions")


@pytest.fixture
def person(db):
    """Makes a user with a password and exactly the given flags, without "staff"."""

    def person(*flags: str, **fields: Any) -> User:
        user = User.objects.create_user("somebody", password=PASSWORD, **fields)
        for flag in flags:
            app_label, codename = flag.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
        return user

    return person


def log_in(password: str = PASSWORD):
    """The log-in form, sent; and the page that it led to."""
    client = Client()
    return client, client.post("/console/login/?next=/console/", {"username": "somebody", "password": password})


def test_the_tests_know_every_flag():
    assert KNOWN == FLAGS


# --- Logging in ---


@pytest.mark.parametrize("flag", sorted(FLAGS))
def test_any_flag_lets_in(person, flag):
    person(flag)
    client, response = log_in()
    assert (response.status_code, response["Location"]) == (302, "/console/")
    assert client.get("/console/").status_code == 200


def test_the_flag_of_a_group_lets_in(person):
    group = Group.objects.create(name="readers")
    group.permissions.add(Permission.objects.get(name="Automation > UI available"))
    person().groups.add(group)
    assert log_in()[0].get("/console/").status_code == 200


def test_a_superuser_needs_no_flag(person):
    person(is_superuser=True)
    assert log_in()[0].get("/console/").status_code == 200


@pytest.mark.parametrize("is_staff", [False, True])
def test_users_without_a_flag_cannot_log_in_staff_or_not(person, is_staff):
    person(is_staff=is_staff)
    client, response = log_in()
    assert response.status_code == 200
    assert b"no permissions yet" in response.content
    assert client.get("/console/").status_code == 302


def test_a_wrong_password_reveals_nothing(person):
    person()
    _, response = log_in("wrong")
    assert response.status_code == 200
    content = response.content.decode()
    assert "no permissions yet" not in content
    assert "staff" not in content
    assert "correct username and password" in content


def test_an_inactive_user_does_not_get_in(person):
    person(*FLAGS, is_active=False)
    client, response = log_in()
    assert response.status_code == 200
    assert client.get("/console/").status_code == 302


def test_losing_the_last_flag_closes_the_console(person):
    user = person("tokens.ui_available")
    client, _ = log_in()
    assert client.get("/console/").status_code == 200
    user.user_permissions.clear()
    assert client.get("/console/").status_code == 302
    assert client.get(page("tokens_apitoken", "changelist")).status_code == 302


def test_every_user_may_change_their_own_password(person):
    person("automation.delete")
    client, _ = log_in()
    assert client.get("/console/password_change/").status_code == 200


# --- Giving flags ---


def form_of(client, model):
    newest: Any = (User if model == "auth_user" else Group).objects.order_by("pk").last()
    address = page(model, "change", newest.pk)
    return address, client.get(address)


@pytest.fixture
def members(db):
    """A user and a group to give flags to."""
    return User.objects.create_user("operator"), Group.objects.create(name="operators")


@pytest.mark.parametrize(("model", "field"), [USER_FORM, GROUP_FORM])
def test_the_forms_offer_the_flags_by_name_and_nothing_else(admin, members, model, field):
    _, response = form_of(admin, model)
    offered = [label for _, label in response.context["adminform"].form.fields[field].choices]
    assert offered == sorted(Permission.objects.values_list("name", flat=True))
    assert len(offered) == len(FLAGS)
    assert "User-defined APIs > Definitions > Add/Edit" in offered


@pytest.mark.parametrize(("model", "field"), [USER_FORM, GROUP_FORM])
def test_flags_are_given_and_taken_away(admin, members, model, field):
    holder = members[0] if model == "auth_user" else members[1]
    flag = Permission.objects.get(name="User-defined APIs > Tokens > Delete")
    for chosen in ([flag.pk], []):
        address, response = form_of(admin, model)
        values = _sent(response, **{field: chosen})
        assert admin.post(address, values).status_code == 302
        assert list(getattr(holder, field).values_list("pk", flat=True)) == chosen


def _sent(response, **values: object) -> dict[str, object]:
    """A browser sends a moment in two fields; a user's log-in and joining have them."""
    sent = filled_in(response, **values)
    joined: Any = sent.pop("date_joined", None)
    if joined is not None:
        sent |= {"date_joined_0": joined.date(), "date_joined_1": joined.strftime("%H:%M:%S")}
    return sent


def test_a_flag_that_is_not_the_products_cannot_be_slipped_in(admin, members):
    content_type = ContentType.objects.get_for_model(Group)
    stranger = Permission.objects.create(codename="stranger", name="stranger", content_type=content_type)
    address, response = form_of(admin, "auth_group")
    answer = admin.post(address, filled_in(response, permissions=[stranger.pk]))
    assert answer.status_code == 200
    assert members[1].permissions.count() == 0


def test_staff_is_nowhere_to_be_seen(admin, members):
    assert "is_staff" not in form_of(admin, "auth_user")[1].context["adminform"].form.fields
    assert b"is_staff" not in admin.get(page("auth_user", "changelist")).content


@pytest.mark.parametrize("model", ["auth_user", "auth_group"])
def test_no_flag_and_no_staff_opens_the_pages_of_people(visit, members, model):
    client = visit(*FLAGS)
    pk = members[0].pk if model == "auth_user" else members[1].pk
    for name, arguments in [("changelist", []), ("add", []), ("change", [pk]), ("delete", [pk]), ("history", [pk])]:
        assert client.get(page(model, name, *arguments)).status_code == 403
        assert client.post(page(model, name, *arguments), {"post": "yes"}).status_code == 403
    assert page(model, "changelist") not in client.get("/console/").content.decode()


def test_flags_do_not_let_users_set_passwords_of_others(visit, members):
    client = visit(*FLAGS)
    address = f"/console/auth/user/{members[0].pk}/password/"
    assert client.get(address).status_code == 403
    assert client.post(address, {"password1": PASSWORD, "password2": PASSWORD}).status_code == 403


@pytest.mark.parametrize("address", ["/console/password_change/", "/console/palette/?q=group"])
def test_pages_for_every_user_show_nothing_of_people(visit, address):
    content = visit("tokens.ui_available").get(address).content.decode()
    assert page("auth_group", "changelist") not in content
    assert page("auth_user", "changelist") not in content
