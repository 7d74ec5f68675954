"""A form that cannot be saved at the moment: an outdated CSRF token, an ended session, a deleted object."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from objects.changes import delete_checked
from tests.automation.stored_credentials import stored_credential
from tests.console.conftest import filled_in, page
from tokens.models import ApiToken

DEFINITION, TOKEN, CREDENTIAL = "definitions_apidefinition", "tokens_apitoken", "automation_credential"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}
OTHER_SITES = [
    {},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    {"Sec-Fetch-Site": "none"},
]
SECRET = "a-secret-that-no-page-gives-back-0123456789"


@pytest.fixture
def strict(db):
    """A superuser whose CSRF tokens are checked."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("strict"))
    return client


def content_of(response) -> str:
    return str(response.content.decode())


def test_an_outdated_token_shows_the_form_again_and_saves_nothing(strict, make):
    api = make(route="a")
    address = page(DEFINITION, "change", api.definition.pk)
    typed = filled_in(strict.get(address), name="what I typed", route="b//c")
    response = strict.post(address, typed | {"csrfmiddlewaretoken": "old"}, headers=OWN_PAGE)
    assert response.status_code == 403
    content = content_of(response)
    assert 'value="what I typed"' in content
    assert "You have logged in since you opened this page." in content
    assert "The route has an empty segment" in content
    api.definition.refresh_from_db()
    assert api.definition.name == ""
    # The form that is shown has a token that counts.
    token = response.context["csrf_token"]
    again = typed | {"route": "b", "csrfmiddlewaretoken": str(token)}
    assert strict.post(address, again, headers=OWN_PAGE).status_code == 302
    api.definition.refresh_from_db()
    assert api.definition.name == "what I typed"


@pytest.mark.parametrize("headers", OTHER_SITES)
def test_a_page_of_another_site_gets_nothing_back(strict, make, headers):
    address = page(DEFINITION, "change", make(route="a").definition.pk)
    typed = filled_in(strict.get(address), name="what I typed")
    response = strict.post(address, typed, headers=headers)
    assert response.status_code == 403
    assert "Nothing was done." in content_of(response)
    assert "what I typed" not in content_of(response)
    strict.logout()
    answer = strict.post(address, typed, headers=headers)
    assert "what I typed" not in content_of(answer)


@pytest.mark.parametrize(
    ("address", "typed"),
    [
        (page("auth_user", "add"), {"username": "typed", "password1": SECRET, "password2": SECRET}),
        (page("auth_group", "add"), {"name": "typed"}),
        (page(TOKEN, "add"), {"name": "typed", "secret": SECRET}),
        (page(CREDENTIAL, "add"), {"name": "typed", "value": SECRET}),
        (page("keys_personalkey", "add"), {"name": "typed", "days": "3"}),
    ],
)
def test_every_form_is_shown_again_without_secrets(strict, address, typed):
    for step in ("logged in", "logged out"):
        if step == "logged out":
            strict.logout()
        response = strict.post(address, typed, headers=OWN_PAGE)
        assert response.status_code == 403
        assert "typed" in content_of(response)
        assert SECRET not in content_of(response)
    assert not User.objects.filter(username="typed").exists()
    assert not ApiToken.objects.exists()


def test_other_addresses_are_refused_plainly_and_give_back_typed_texts(strict):
    refused = strict.post("/", {"body": "typed"}, headers=OWN_PAGE)
    assert (refused.status_code, refused["Content-Type"]) == (403, "text/plain")
    sent = {"old_password": SECRET, "note": "typed", "_save": "1"}
    response = strict.post("/console/password_change/", sent, headers=OWN_PAGE)
    assert response.status_code == 403
    assert "typed" in content_of(response)
    assert SECRET not in content_of(response)


def test_a_log_in_form_that_waited_too_long_is_shown_anew(strict):
    strict.logout()
    response = strict.post(
        "/console/login/?next=/console/tokens/", {"username": "a", "password": SECRET}, headers=OWN_PAGE
    )
    assert (response.status_code, response["Location"]) == (302, "/console/login/?next=/console/tokens/")


def test_an_ended_session_keeps_the_form_until_the_next_log_in(admin, make):
    api = make(route="a")
    address = page(DEFINITION, "change", api.definition.pk)
    typed = filled_in(admin.get(address), description="two\nlines & <more>", _save="1")
    user = User.objects.get(username="root")
    admin.logout()
    response = admin.post(address, typed, headers=OWN_PAGE)
    assert response.status_code == 403
    assert "no-store" in response["Cache-Control"]
    kept = dict(response.context["kept"])
    assert kept["description"] == "two\nlines & <more>"
    assert "<more>" not in content_of(response)
    # What the page sends on has no token.
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    again = strict.post(address, kept, headers=OWN_PAGE)
    assert again.context["adminform"].form["description"].value() == "two\nlines & <more>"
    api.definition.refresh_from_db()
    assert api.definition.description == ""


def test_a_page_that_only_shows_still_leads_to_the_log_in(admin):
    admin.logout()
    assert admin.get(page(DEFINITION, "add")).status_code == 302
    assert admin.post(page(DEFINITION, "changelist"), {"action": "x"}, headers=OWN_PAGE).status_code == 302


def test_the_form_of_a_deleted_object_gives_back_what_was_typed(admin, visit, make):
    credential = stored_credential("doomed")
    address = page(CREDENTIAL, "change", credential.pk)
    typed = filled_in(admin.get(address), name="renamed", description="long text", value=SECRET)
    delete_checked(credential, by="jane")
    response = admin.post(address, typed)
    assert response.status_code == 404
    assert response.context["texts"] == [("Name", "renamed"), ("Description", "long text")]
    content = content_of(response)
    assert "jane deleted this at" in content
    assert "It can no longer be saved; copy what you need." in content
    assert SECRET not in content
    # Users who may change nothing learn nothing.
    assert visit("automation.credentials_ui_available").post(address, typed).status_code in {302, 403}


def test_every_kind_of_object_may_be_deleted_elsewhere(admin, make):
    token, _ = make.token()
    script = make.script(name="alone")
    api = make(route="gone")
    for model, obj in ((TOKEN, token), ("automation_automationscript", script), (DEFINITION, api.definition)):
        address = page(model, "change", obj.pk)
        typed = filled_in(admin.get(address), name="typed too late")
        delete_checked(obj, by="jane")
        response = admin.post(address, typed)
        assert response.status_code == 404
        assert ("Name", "typed too late") in response.context["texts"]
    assert admin.post(page(TOKEN, "change", "rubbish"), {"name": "x"}).status_code == 404


def test_the_session_page_says_who_is_logged_in(admin, visit):
    user = User.objects.get(username="root")
    shown = admin.get("/console/session/")
    assert shown.json() == {"user": str(user.pk), "name": "root"}
    assert "no-store" in shown["Cache-Control"]
    admin.logout()
    assert admin.get("/console/session/").json() == {"user": "", "name": ""}
    assert visit().get("/console/session/").json() == {"user": "", "name": ""}
