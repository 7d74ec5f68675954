"""Which flags open which page: all but one needed is not enough, and exactly those needed are."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.automation.stored_credentials import stored_credential
from tests.console.conftest import FLAGS, page

DEFINITION, TOKEN, SCRIPT = "definitions_apidefinition", "tokens_apitoken", "automation_automationscript"
CREDENTIAL = "automation_credential"

NEEDED = {
    (DEFINITION, "changelist"): {"definitions.ui_available"},
    (DEFINITION, "change"): {"definitions.ui_available"},
    (DEFINITION, "history"): {"definitions.ui_available"},
    (DEFINITION, "add"): {"definitions.ui_available", "definitions.add_edit", "automation.execute"},
    (DEFINITION, "delete"): {"definitions.ui_available", "definitions.delete"},
    (TOKEN, "changelist"): {"tokens.ui_available"},
    (TOKEN, "change"): {"tokens.ui_available"},
    (TOKEN, "history"): {"tokens.ui_available"},
    (TOKEN, "add"): {"tokens.ui_available", "tokens.add_edit"},
    (TOKEN, "rotate"): {"tokens.ui_available", "tokens.add_edit"},
    (TOKEN, "delete"): {"tokens.ui_available", "tokens.delete"},
    (SCRIPT, "changelist"): {"automation.ui_available"},
    (SCRIPT, "change"): {"automation.ui_available"},
    (SCRIPT, "history"): {"automation.ui_available"},
    (SCRIPT, "add"): {"automation.ui_available", "automation.add_edit"},
    (SCRIPT, "delete"): {"automation.ui_available", "automation.delete"},
    (CREDENTIAL, "changelist"): {"automation.credentials_ui_available"},
    (CREDENTIAL, "change"): {"automation.credentials_ui_available"},
    (CREDENTIAL, "history"): {"automation.credentials_ui_available"},
    (CREDENTIAL, "add"): {"automation.credentials_ui_available", "automation.credentials_add_edit"},
    (CREDENTIAL, "delete"): {"automation.credentials_ui_available", "automation.credentials_delete"},
}
CASES = [(model, name, needed) for (model, name), needed in NEEDED.items()]
MISSING = [(model, name, flag) for model, name, needed in CASES for flag in sorted(needed)]
# Saving asks for more than looking does.
SAVING = [
    *[(DEFINITION, flag) for flag in ("definitions.ui_available", "definitions.add_edit", "automation.execute")],
    *[(TOKEN, flag) for flag in ("tokens.ui_available", "tokens.add_edit")],
    *[(SCRIPT, flag) for flag in ("automation.ui_available", "automation.add_edit")],
]


@pytest.fixture
def address(make):
    """The address of a page of an object that exists."""
    api = make()
    spare = {DEFINITION: api.definition, TOKEN: make.token()[0], SCRIPT: api.definition.script}
    spare[CREDENTIAL] = stored_credential()

    def address(model, name):
        return page(model, name, *([] if name in {"changelist", "add"} else [spare[model].pk]))

    return address


@pytest.mark.parametrize(("model", "name", "needed"), CASES)
def test_the_needed_flags_open_the_page(visit, address, model, name, needed):
    assert visit(*needed).get(address(model, name)).status_code == 200


@pytest.mark.parametrize(("model", "name", "needed"), CASES)
def test_a_superuser_opens_the_page(admin, address, model, name, needed):
    assert admin.get(address(model, name)).status_code == 200


@pytest.mark.parametrize(("model", "name", "missing"), MISSING)
def test_the_page_stays_closed_without_one_needed_flag(visit, address, model, name, missing):
    client = visit(*FLAGS - {missing})
    assert client.get(address(model, name)).status_code == 403
    assert client.post(address(model, name), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(("model", "missing"), SAVING)
def test_a_change_needs_every_flag(visit, address, model, missing):
    assert visit(*FLAGS - {missing}).post(address(model, "change"), {"name": "x"}).status_code == 403


@pytest.mark.parametrize("model", [DEFINITION, TOKEN, SCRIPT])
def test_the_bulk_delete_needs_the_delete_flag(visit, make, model):
    client = visit(*FLAGS - {"definitions.delete", "tokens.delete", "automation.delete"})
    token, _ = make.token()
    response = client.post(
        page(model, "changelist"), {"action": "delete_selected", "_selected_action": str(token.pk), "post": "yes"}
    )
    assert response.status_code in {200, 302}
    token.refresh_from_db()


@pytest.mark.parametrize("flag", ["definitions.ui_available", "tokens.ui_available"])
def test_nodes_are_listed_with_either_flag_and_read_only(visit, flag):
    client = visit(flag)
    assert client.get(page("automation_workernode", "changelist")).status_code == 200
    assert client.get(page("automation_workernode", "add")).status_code == 403


def test_nodes_are_not_listed_without_either(visit):
    client = visit(*FLAGS - {"definitions.ui_available", "tokens.ui_available"})
    assert client.get(page("automation_workernode", "changelist")).status_code == 403


def test_a_superuser_cannot_change_nodes_either(admin):
    assert admin.get(page("automation_workernode", "add")).status_code == 403


@pytest.mark.parametrize(("flag", "model"), [("tokens", TOKEN), ("definitions", DEFINITION), ("automation", SCRIPT)])
def test_the_menu_has_what_may_be_viewed(visit, flag, model):
    content = visit(f"{flag}.ui_available").get("/console/").content.decode()
    shown = {one for one in (TOKEN, DEFINITION, SCRIPT) if page(one, "changelist") in content}
    assert shown == {model}


def test_flags_of_the_product_open_no_pages_of_users(visit):
    client = visit(*FLAGS)
    assert client.get(page("auth_user", "changelist")).status_code == 403
    assert client.get(page("auth_group", "changelist")).status_code == 403


@pytest.mark.parametrize("model", ["auth_user", "auth_group"])
@pytest.mark.parametrize("name", ["changelist", "add"])
def test_a_superuser_opens_the_pages_of_users_and_groups(admin, model, name):
    assert admin.get(page(model, name)).status_code == 200


def test_a_superuser_gives_flags_by_their_names(admin):
    user = User.objects.create_user("operator")
    content = admin.get(page("auth_user", "change", user.pk)).content.decode()
    assert "User-defined APIs &gt; Tokens &gt; UI available" in content


@pytest.mark.django_db
def test_an_anonymous_visitor_gets_the_log_in_page(address):
    response = Client().get(address(TOKEN, "changelist"), follow=True)
    assert response.status_code == 200
    assert 'name="password"' in response.content.decode()


@pytest.mark.django_db
def test_the_root_leads_to_the_console():
    response = Client().get("/", follow=True)
    assert response.redirect_chain[0][0] == "/console/"


def test_an_inactive_user_is_logged_out(visit, address):
    client = visit(*FLAGS)
    User.objects.update(is_active=False)
    assert client.get(address(TOKEN, "changelist")).status_code == 302


@pytest.mark.parametrize(
    ("field", "flag"), [("script", "automation.ui_available"), ("allowed_tokens", "tokens.ui_available")]
)
def test_choices_are_only_offered_to_who_may_view_them(visit, address, field, flag):
    query = {"app_label": "definitions", "model_name": "apidefinition", "field_name": field, "term": ""}
    assert visit(*FLAGS - {flag}).get("/console/autocomplete/", query).status_code == 403
    assert visit(flag).get("/console/autocomplete/", query).json()["results"]
