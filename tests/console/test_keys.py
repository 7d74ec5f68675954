"""The pages of personal keys: the user's own, for superusers those of all; and a key is shown once."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from access.policy import FLAGS
from keys.changes import create_key
from keys.models import MOST_KEYS, PersonalKey
from tests.console.conftest import errors, page, said, submit

MODEL = "keys_personalkey"
FLAG = "tokens.ui_available"


def owner(client: Client) -> User:
    """The user who is logged in."""
    return User.objects.get(pk=client.session["_auth_user_id"])


def shown_key(response) -> str:
    """The key, which the page shows once; the answer must not be cached."""
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    (found,) = re.findall(r'<code id="secret"[^>]*>([^<]+)</code>', response.content.decode())
    assert response.content.decode().count(found) == 1
    return str(found)


def status(key: str) -> int:
    """What the management API answers to the key."""
    return Client().get("/api/management/keys/", headers={"Authorization": f"Token {key}"}).status_code


@pytest.mark.parametrize("flag", sorted(FLAGS))
def test_every_user_creates_views_and_deletes_their_own_keys(visit, flag):
    client = visit(flag)
    assert page(MODEL, "changelist") in client.get("/console/").content.decode()
    key = shown_key(submit(client, page(MODEL, "add"), name="ci"))
    assert status(key) == 200
    made = PersonalKey.objects.get(user=owner(client))
    assert "ci" in client.get(page(MODEL, "change", made.pk)).content.decode()
    assert client.post(page(MODEL, "delete", made.pk), {"post": "yes"}).status_code == 302
    assert status(key) == 401


def test_a_key_lives_as_long_as_was_asked_for(visit):
    client = visit(FLAG)
    before = timezone.now()
    shown_key(submit(client, page(MODEL, "add"), name="short", days=3))
    shown_key(submit(client, page(MODEL, "add"), name="usual"))
    lives = {key.name: key.expiry - before for key in PersonalKey.objects.all()}
    assert timedelta(days=3) <= lives["short"] < timedelta(days=3, minutes=1)
    assert timedelta(days=90) <= lives["usual"] < timedelta(days=90, minutes=1)


def test_a_key_is_shown_once_and_then_nowhere(visit):
    client = visit(FLAG)
    key = shown_key(submit(client, page(MODEL, "add"), name="ci"))
    made = PersonalKey.objects.get()
    one = [page(MODEL, name, made.pk) for name in ("change", "history", "delete")]
    pages = [client.get(address).content.decode() for address in ["/console/", page(MODEL, "changelist"), *one]]
    kept = [str(dict(session.get_decoded())) for session in Session.objects.all()]
    logged = [entry.change_message + entry.object_repr + str(entry.object_id) for entry in LogEntry.objects.all()]
    assert LogEntry.objects.get().object_id == str(made.pk)
    places = [*pages, *kept, *logged, str(client.cookies)]
    assert not [place for place in places if key in place or made.digest in place or made.token_key in place]
    assert key not in str(PersonalKey.objects.values())


@pytest.mark.parametrize("button", ["_save", "_continue", "_addanother", "_popup"])
def test_no_button_leads_past_the_page_with_the_key(visit, button):
    shown_key(submit(visit(FLAG), page(MODEL, "add"), name="ci", **{button: "1"}))


def test_only_superusers_see_keys_of_other_users(visit, admin):
    client = visit(FLAG)
    create_key(owner(client), "key of a user", 1)
    create_key(owner(admin), "key of root", 1)
    listed = client.get(page(MODEL, "changelist")).content.decode()
    assert "key of a user" in listed
    assert "key of root" not in listed
    assert "root" not in listed
    every = admin.get(page(MODEL, "changelist"))
    columns = [(key.name, key.user.get_username()) for key in every.context["cl"].result_list]
    assert columns == [("key of a user", owner(client).get_username()), ("key of root", "root")]
    assert owner(client).get_username() in every.content.decode()
    filtered = admin.get(page(MODEL, "changelist"), {"user__id__exact": owner(admin).pk}).content.decode()
    assert "key of root" in filtered
    assert "key of a user" not in filtered


@pytest.mark.parametrize("name", ["change", "history", "delete"])
def test_keys_of_other_users_are_not_found(visit, admin, name):
    client = visit(FLAG)
    made, key = create_key(owner(admin), "theirs", 1)
    for known in (made.pk, made.digest, "x"):
        assert client.get(page(MODEL, name, known)).status_code == 404
        assert client.post(page(MODEL, name, known), {"post": "yes"}).status_code == 404
    assert status(key) == 200


def test_a_superuser_sees_and_ends_the_key_of_another(visit, admin):
    made, key = create_key(owner(visit(FLAG)), "theirs", 1)
    for name in ("change", "history", "delete"):
        shown = admin.get(page(MODEL, name, made.pk))
        assert shown.status_code == 200
        assert made.digest not in shown.content.decode()
    assert made.user.get_username() in admin.get(page(MODEL, "change", made.pk)).content.decode()
    assert status(key) == 200
    assert admin.post(page(MODEL, "delete", made.pk), {"post": "yes"}).status_code == 302
    assert status(key) == 401


def test_a_superuser_ends_keys_of_several_users_at_once(visit, admin):
    keys = [create_key(owner(one), "ci", 1) for one in (visit(FLAG), visit(FLAG), admin)]
    chosen = [str(made.pk) for made, _ in keys[:2]]
    form = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    assert admin.post(page(MODEL, "changelist"), form).status_code == 302
    assert [status(key) for _, key in keys] == [401, 401, 200]


def test_the_form_says_that_there_are_too_many(visit):
    client = visit(FLAG)
    for number in range(MOST_KEYS):
        create_key(owner(client), f"key {number}", 1)
    answer = client.post(page(MODEL, "add"), {"name": "one more", "days": 1}, follow=True)
    assert "A user has at most 50 keys: end one first." in said(answer)
    assert PersonalKey.objects.count() == MOST_KEYS


def test_a_bulk_delete_takes_only_the_users_own_keys(visit, admin):
    client = visit(FLAG)
    theirs, others_key = create_key(owner(admin), "theirs", 1)
    own = [create_key(owner(client), name, 1) for name in ("a", "b", "stays")]
    chosen = [str(theirs.pk), *(str(made.pk) for made, _ in own[:2])]
    form = {"action": "delete_selected", "_selected_action": chosen}
    asked = client.post(page(MODEL, "changelist"), form)
    assert "theirs" not in asked.content.decode()
    assert client.post(page(MODEL, "changelist"), form | {"post": "yes"}).status_code == 302
    assert [status(key) for _, key in own] == [401, 401, 200]
    assert status(others_key) == 200


def test_a_key_cannot_be_changed(visit):
    client = visit(FLAG)
    made, _ = create_key(owner(client), "ci", 1)
    assert 'name="name"' not in client.get(page(MODEL, "change", made.pk)).content.decode()
    assert client.post(page(MODEL, "change", made.pk), {"name": "x", "days": 9}).status_code == 403
    assert PersonalKey.objects.get().name == "ci"


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        ({"name": ""}, "name", "This field is required"),
        ({"name": " \t "}, "name", "This field is required"),
        ({"name": "n" * 201}, "name", "at most 200"),
        ({"name": "a\0b"}, "name", "Null characters"),
        ({"days": ""}, "days", "This field is required"),
        ({"days": 0}, "days", "1 to 3650 days"),
        ({"days": 3_651}, "days", "1 to 3650 days"),
        ({"days": 10**20}, "days", "1 to 3650 days"),
        ({"days": "many"}, "days", "whole number"),
    ],
)
def test_a_refused_key_says_why(visit, values, field, text):
    shown = errors(submit(visit(FLAG), page(MODEL, "add"), **{"name": "ci"} | values))
    assert list(shown) == [field]
    assert text in " ".join(shown[field])
    assert not PersonalKey.objects.exists()


def test_a_rule_that_only_keys_know_is_an_error_at_its_field(visit, monkeypatch):
    monkeypatch.setattr("keys.changes.is_name", lambda text: False)
    shown = errors(submit(visit(FLAG), page(MODEL, "add"), name="ci"))
    assert shown == {"name": ["A name of 1 to 200 characters is needed."]}


@pytest.mark.parametrize("field", ["digest", "token_key"])
def test_the_address_of_the_list_answers_no_questions_about_keys(visit, field):
    client = visit(FLAG)
    made, _ = create_key(owner(client), "ci", 1)
    query = {f"{field}__startswith": getattr(made, field)[:1]}
    assert client.get(page(MODEL, "changelist"), query).status_code == 400


def test_a_new_key_needs_the_csrf_token(visit):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = visit(FLAG).cookies
    assert strict.post(page(MODEL, "add"), {"name": "ci", "days": 1}).status_code == 403
    assert not PersonalKey.objects.exists()


@pytest.mark.parametrize("name", ["changelist", "add", "change", "delete", "history"])
def test_a_stranger_and_a_user_without_a_flag_are_sent_to_the_log_in(visit, admin, name):
    made, key = create_key(owner(admin), "ci", 1)
    address = page(MODEL, name, *([] if name in {"changelist", "add"} else [made.pk]))
    for client in (Client(), visit()):
        for response in (client.get(address), client.post(address, {"name": "x", "days": 1, "post": "yes"})):
            assert response.status_code == 302
            assert response["Location"].startswith("/console/login/")
    assert PersonalKey.objects.count() == 1
    assert status(key) == 200
