"""The pages of API tokens: above all, where a secret is shown and where it is not."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.test import Client

from console import base
from console.tokens import pages as tokens
from objects.changes import save_checked
from tests.console.conftest import errors, page, submit
from tokens import peppers
from tokens.models import ApiToken

MODEL = "tokens_apitoken"
OWN = "my-own-secret.of+forty/characters_or=more"
UNLIMITED = {"rate_limit": "", "rate_window_seconds": ""}


def shown_secret(response) -> str:
    """The secret, which the page shows once; the answer must not be cached."""
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    found = re.findall(r'<code id="secret"[^>]*>([^<]+)</code>', response.content.decode())
    assert len(found) == 1
    assert response.content.decode().count(found[0]) == 1
    return str(found[0])


def opens(secret: str):
    """The token that the secret opens, if it does."""
    return ApiToken.objects.filter(secret_digest__in=peppers.digests(secret).values()).first()


def assert_gone(secret: str, client: Client) -> None:
    """Neither pages, cookies, session nor history have the secret."""
    token = opens(secret)
    addresses = [page(MODEL, "changelist"), *(page(MODEL, name, token.pk) for name in ("change", "history", "rotate"))]
    pages = [client.get(address).content.decode() for address in [*addresses, "/console/"]]
    kept = [str(dict(session.get_decoded())) for session in Session.objects.all()]
    logged = [entry.change_message + entry.object_repr for entry in LogEntry.objects.all()]
    stored = [str(row) for row in ApiToken.objects.values()]
    assert not [place for place in [*pages, *kept, *logged, *stored, str(client.cookies)] if secret in place]


def rotate(client: Client, token, **values):
    """Open the page that rotates, and send its form."""
    form = client.get(page(MODEL, "rotate", token.pk)).context["form"]
    return client.post(page(MODEL, "rotate", token.pk), {"seen_revision": form["seen_revision"].value()} | values)


def test_a_new_token_has_a_generated_secret_shown_once(admin):
    secret = shown_secret(submit(admin, page(MODEL, "add"), name="client"))
    token = opens(secret)
    assert (token.name, token.created_by, token.is_disabled) == ("client", "root", False)
    assert (token.rate_limit, token.rate_window_seconds) == (60, 60)
    assert_gone(secret, admin)


def test_a_new_token_may_have_a_given_secret(admin):
    assert shown_secret(submit(admin, page(MODEL, "add"), name="client", secret=OWN)) == OWN
    assert opens(OWN).name == "client"
    assert_gone(OWN, admin)


@pytest.mark.parametrize("button", ["_save", "_continue", "_addanother", "_popup"])
def test_no_button_leads_past_the_page_with_the_secret(admin, button):
    shown_secret(submit(admin, page(MODEL, "add"), name="client", **{button: "1"}))


def test_a_secret_in_the_address_is_not_taken(admin):
    assert OWN not in admin.get(page(MODEL, "add"), {"secret": OWN}).content.decode()


def test_rotation_generates_a_secret(admin, make):
    token, old = make.token()
    secret = shown_secret(rotate(admin, token))
    assert opens(secret) == token
    assert opens(old) is None
    token.refresh_from_db()
    assert (token.last_modified_by, token.revision) == ("root", 2)
    assert LogEntry.objects.get().get_change_message() == "Rotated the secret."
    assert_gone(secret, admin)


def test_rotation_accepts_a_given_secret(admin, make):
    token, _ = make.token()
    assert shown_secret(rotate(admin, token, secret=OWN)) == OWN
    assert opens(OWN) == token


def test_opening_the_rotate_page_rotates_nothing(admin, make):
    token, secret = make.token()
    assert admin.get(page(MODEL, "rotate", token.pk)).status_code == 200
    assert opens(secret) == token


@pytest.mark.parametrize("secret", ["too-short", "not allowed!" * 4, "udapi_" + "A" * 46, "x" * 513])
def test_a_refused_secret_is_not_shown_back(admin, make, secret):
    token, old = make.token()
    response = rotate(admin, token, secret=secret)
    assert response.status_code == 200
    assert "A secret has 32 to 512 characters" in response.content.decode()
    assert secret not in response.content.decode()
    assert opens(old) == token
    response = submit(admin, page(MODEL, "add"), name="client", secret=secret)
    assert list(errors(response)) == ["secret"]
    assert secret not in response.content.decode()


def test_the_secret_of_another_token_is_refused(admin, make):
    make.token(OWN)
    token, _ = make.token()
    for response in (
        rotate(admin, token, secret=OWN),
        submit(admin, page(MODEL, "add"), name="client", secret=OWN),
    ):
        assert "Another token has this secret." in response.content.decode()
        assert OWN not in response.content.decode()


@pytest.mark.parametrize("module", [base, tokens])
def test_a_race_for_a_secret_is_an_error_on_the_form(admin, make, monkeypatch, module):
    token, old = make.token()

    def save_late(saved, by):
        make.token(OWN)
        return save_checked(saved, by)

    monkeypatch.setattr(module, "save_checked", save_late)
    if module is base:
        response = submit(admin, page(MODEL, "add"), name="client", secret=OWN)
    else:
        response = rotate(admin, token, secret=OWN)
    assert response.status_code == 200
    assert "Another token has this secret." in response.content.decode()
    assert OWN not in response.content.decode()
    assert opens(old) == token


@pytest.mark.parametrize(
    ("values", "field", "text"),
    [
        ({"name": ""}, "name", "This field is required"),
        ({"name": " \t "}, "name", "This field is required"),
        ({"name": "n" * 201}, "name", "at most 200"),
        ({"rate_limit": 5, "rate_window_seconds": ""}, "rate_limit", "or neither"),
        ({"rate_limit": "", "rate_window_seconds": 5}, "rate_limit", "or neither"),
        ({"rate_limit": 101, "rate_window_seconds": 1}, "rate_limit", "1 to 100"),
        ({"rate_limit": 1, "rate_window_seconds": 86_401}, "rate_limit", "86400"),
        ({"rate_limit": 0, "rate_window_seconds": 1}, "rate_limit", "1 to 100"),
        ({"rate_limit": "many", "rate_window_seconds": 1}, "rate_limit", "whole number"),
        ({"rate_limit": 10**20, "rate_window_seconds": 1}, "rate_limit", ""),
    ],
)
def test_a_refused_token_says_why(admin, values, field, text):
    shown = errors(submit(admin, page(MODEL, "add"), **{"name": "client"} | values))
    assert list(shown) == [field]
    assert text in " ".join(shown[field])
    assert not ApiToken.objects.exists()


def test_a_change_leaves_the_secret_alone(admin, make):
    token, secret = make.token()
    address = page(MODEL, "change", token.pk)
    values = {"name": "renamed", "is_disabled": "on", "rate_limit": 10, "rate_window_seconds": 2, "secret": OWN}
    assert submit(admin, address, **values).status_code == 302
    token.refresh_from_db()
    assert (token.name, token.is_disabled, token.rate_limit, token.rate_window_seconds) == ("renamed", True, 10, 2)
    assert opens(secret) == token


def test_an_old_form_does_not_enable_a_token_again(admin, make):
    token, _ = make.token()
    opened = admin.get(page(MODEL, "change", token.pk)).context["adminform"].form["seen_revision"].value()
    token.is_disabled = True
    save_checked(token, by="guard")
    response = admin.post(page(MODEL, "change", token.pk), {"name": "x", "seen_revision": opened} | UNLIMITED)
    assert "guard has changed it" in errors(response)["__all__"][0]
    token.refresh_from_db()
    assert token.is_disabled


def test_rotation_needs_the_csrf_token(admin, make):
    token, secret = make.token()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.cookies
    assert strict.post(page(MODEL, "rotate", token.pk)).status_code == 403
    assert opens(secret) == token


def test_a_deleted_token_cannot_be_rotated(admin, make):
    token, _ = make.token()
    address = page(MODEL, "rotate", token.pk)
    token.delete()
    assert admin.post(address).status_code == 404


def test_the_address_of_the_list_answers_no_questions_about_digests(admin, make):
    token, _ = make.token()
    query = {"secret_digest__startswith": token.secret_digest[:1]}
    assert admin.get(page(MODEL, "changelist"), query).status_code == 400


@pytest.mark.parametrize("model", [MODEL, "definitions_apidefinition", "automation_automationscript"])
def test_the_list_finds_by_id(admin, make, model):
    for _ in range(20):
        make()
    address = page(model, "changelist")
    wanted = admin.get(address).context["cl"].result_list[7]
    for term in (str(wanted.pk), str(wanted.pk).upper()):
        assert list(admin.get(address, {"q": term}).context["cl"].result_list) == [wanted]
    # A part of an id is none: a search for "2" finds names.
    assert len(admin.get(address, {"q": str(wanted.pk)[:8]}).context["cl"].result_list) == 0


def test_the_list_shows_state_limit_and_use(admin, make):
    make(token=make.token(name="used", is_disabled=True, rate_limit=3, rate_window_seconds=7))
    content = admin.get(page(MODEL, "changelist")).content.decode()
    assert "Disabled" in content
    assert "3 in 7 s" in content
    assert admin.get(page(MODEL, "changelist")).context["cl"].result_list[0].api_count == 1


def test_viewers_see_no_form_of_a_token(visit, make):
    token, _ = make.token()
    content = visit("tokens.ui_available").get(page(MODEL, "change", token.pk)).content.decode()
    assert 'name="name"' not in content
    assert token.secret_digest not in content
