"""What no page sends gets a clear answer, never an error of the server."""

import json

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from objects.changes import delete_checked
from tests.console.conftest import filled_in, page

DEFINITION, TOKEN, SCRIPT = "definitions_apidefinition", "tokens_apitoken", "automation_automationscript"
LISTS = (DEFINITION, TOKEN, SCRIPT, "automation_credential", "events_informationevent", "auth_user", "auth_group")
ALL_LISTS = (*LISTS, "keys_personalkey")


@pytest.fixture(autouse=True)
def rows(make):
    """An object in most lists."""
    return make(route="a/one")


QUERIES = (
    *({"o": text} for text in (".", ".".join(["created_by", "-name", "user"] * 2_500), "\0")),
    *({"p": text} for text in ("9" * 5_000, "-1", "x")),
    *({"q": text} for text in ("\0", "%" * 3_000)),
    *({f"{name}__contains": "\0"} for name in ("name", "username", "message")),
    *({f"{name}__regex": "["} for name in ("name", "username", "message")),
    *({"pk__in": text} for text in ("x,y", "9" * 40)),
    *({name: "\0"} for name in ("attention", "object", "author", "user", "script", "group", "created")),
    {"name__in": "a,\0"},
    {"name__iregex": "("},
    {"from": "9999-12-31", "to": "0001-01-01"},
    {"_changelist_filters": "q=%ff&q=\0"},
    {"nonsense": "x", "revision__lt": "x", "token": "9" * 300},
    {"created_at__year": "x"},
    {"object_id": "x"},
)


@pytest.mark.parametrize("query", QUERIES)
def test_lists_take_any_address(admin, query):
    for model in ALL_LISTS:
        assert admin.get(page(model, "changelist"), query).status_code in {200, 302, 400}


@pytest.mark.parametrize("query", [{"object_id": "x"}, {"message__contains": "\0"}, {"nonsense": "x"}])
def test_an_export_of_nonsense_is_refused(admin, query):
    assert admin.get(reverse("admin:events_export_csv"), query).status_code == 400


@pytest.mark.parametrize(
    "cookie",
    [
        "[" * 3_000,
        '{"a":' * 3_000,
        json.dumps({TOKEN: {"columns": [], "size": 25.0}}),
        json.dumps({TOKEN: {"size": []}}),
        json.dumps({TOKEN: {"columns": ["\ud800", [], {}], "size": 10**30}}),
    ],
)
def test_a_cookie_may_hold_anything(admin, cookie):
    admin.cookies["console_lists"] = cookie
    assert admin.get(page(TOKEN, "changelist")).context["cl"].list_per_page == 50
    assert admin.post(f"{page(TOKEN, 'changelist')}look/", {"size": "100", "query": "\r\nX: y"}).status_code == 302


@pytest.mark.parametrize("key", ["x", "", "\0", "9" * 40, "-1", "[]"])
@pytest.mark.parametrize("action", ["delete_selected", "disable_selected", "allow_token_selected"])
def test_rows_that_cannot_be_are_not_selected(admin, key, action):
    for model in ALL_LISTS:
        for sent in ({"_selected_action": key}, {"ids": key, "post": "yes"}, {"undo": f"{action}:{key}"}):
            answer = admin.post(page(model, "changelist"), {"action": action, "index": "z"} | sent)
            assert answer.status_code in {200, 302, 403}
    assert User.objects.filter(username="root").exists()


def test_the_form_of_a_deleted_object_may_hold_anything(admin, make):
    api = make(route="gone").definition
    address = page(DEFINITION, "change", api.pk)
    typed = filled_in(admin.get(address), name="mine", script="rubbish", allowed_tokens=["x", "y"])
    delete_checked(api, by="jane")
    answer = admin.post(address, typed)
    assert answer.status_code == 404
    assert ("Name", "mine") in answer.context["texts"]
    assert ("Script", "rubbish") in answer.context["texts"]


def test_pages_of_objects_take_any_form(admin, rows):
    api, token = rows.definition.pk, rows.token.pk
    for text in ("x", "\0", ",,,", "9" * 40, "00000000-0000-0000-0000-000000000000"):
        for address in (page(DEFINITION, "access", api), page(TOKEN, "apis", token)):
            assert admin.post(address, {"allow": text, "remove": [text, text]}).status_code == 302
        for address in (page(DEFINITION, "access", api), page(TOKEN, "view", token)):
            assert admin.get(address, {"remove": text, "range": text, "from": text, "sort": text}).status_code == 200
        assert admin.get(page(DEFINITION, "history", api), {"p": text}).status_code == 200
        for model in (DEFINITION, TOKEN, SCRIPT):
            query = {"like": text, "script": text, "api": text, "template": text, "kind": text}
            assert admin.get(page(model, "add"), query).status_code == 200
        assert admin.get(reverse("admin:palette"), {"q": text}).status_code == 200
        assert admin.get(reverse("admin:trigger_names"), {"id": text}).status_code == 200
        assert admin.get(reverse("admin:tokens_pick_apis"), {"q": text}).status_code == 200
        assert admin.post(reverse("export_selected"), {"ids": text}).status_code == 200
        checked = {"source": text, "script": text, "kind": text, "name": text, "parameters": text}
        assert admin.post(reverse("admin:scripts_check"), checked).status_code == 200


def test_a_switch_that_names_no_state_enables_nothing(admin, make):
    token, _secret = make.token(is_disabled=True)
    for address in (page(TOKEN, "state", token.pk), reverse("admin:tokens_switch", args=[token.pk])):
        for sent in ({}, {"state": "x"}):
            assert admin.post(address, sent).status_code == 400
    token.refresh_from_db()
    assert token.is_disabled
