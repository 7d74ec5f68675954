"""A new token is allowed for APIs in its own form, through the same rules and events as in theirs."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from definitions.changes import save_definition
from definitions.models import AllowedToken
from events.models import InformationEvent, Verb
from tests.console.conftest import filled_in, page, submit
from tokens.models import ApiToken

ADD = page("tokens_apitoken", "add")
TOKENS = ("tokens.ui_available", "tokens.add_edit")
APIS = ("definitions.ui_available", "definitions.add_edit", "automation.execute")


@pytest.mark.parametrize("client", ["admin", "allowed"])
def test_the_chosen_apis_allow_the_new_token(request, visit, make, client):
    client = request.getfixturevalue("admin") if client == "admin" else visit(*TOKENS, *APIS)
    first, second, other = (make(route=route) for route in ("one", "two", "three"))
    before = {token.pk for token in first.definition.allowed_tokens.all()}
    response = submit(client, ADD, name="client", apis=[first.definition.pk, second.definition.pk])
    assert response.status_code == 200
    made = ApiToken.objects.get(name="client")
    assert set(made.api_definitions.values_list("route", flat=True)) == {"one", "two"}
    assert set(first.definition.allowed_tokens.values_list("pk", flat=True)) == {*before, made.pk}
    assert not AllowedToken.objects.filter(definition=other.definition, token=made).exists()
    updated = InformationEvent.objects.filter(
        verb=Verb.UPDATED, object_id__in=[first.definition.pk, second.definition.pk]
    )
    assert updated.count() == 2


def test_a_form_that_is_sent_again_changes_no_api(admin, make):
    api = make(route="one")
    sent = filled_in(admin.get(ADD), name="client", apis=[api.definition.pk])
    assert admin.post(ADD, sent).status_code == 200
    api.definition.refresh_from_db()
    revision = api.definition.revision
    assert admin.post(ADD, sent).status_code == 409
    api.definition.refresh_from_db()
    assert api.definition.revision == revision


def test_a_token_without_apis_is_said_to_open_nothing(admin, make):
    make(route="one")
    content = admin.get(ADD).content.decode()
    assert "Calls are refused until an API allows the token." in content
    submit(admin, ADD, name="client")
    assert not ApiToken.objects.get(name="client").api_definitions.exists()


def test_the_address_may_name_an_api(admin, make):
    api = make(route="from/its/page")
    content = admin.get(f"{ADD}?api={api.definition.pk}").content.decode()
    assert f'value="{api.definition.pk}" checked' in content
    assert "from/its/page" in content
    assert admin.get(f"{ADD}?api=rubbish").status_code == 200


def test_users_who_may_not_change_apis_are_offered_none(visit, make):
    api = make(route="hidden/route")
    client = visit(*TOKENS, "definitions.ui_available")
    shown = client.get(ADD)
    assert "apis" not in shown.context["adminform"].form.fields
    assert "another user must allow it" in shown.content.decode()
    client.post(ADD, filled_in(shown, name="client", apis=[api.definition.pk]))
    assert not ApiToken.objects.get(name="client").api_definitions.exists()
    assert client.get("/console/tokens/apitoken/pick-apis/").status_code == 403
    assert client.get(f"{ADD}?api={api.definition.pk}").content.decode().count("hidden/route") == 0


def test_apis_are_found_by_route_and_name(admin, make):
    api = make(route="needle/one").definition
    api.name = "the first"
    save_definition(api, by="jane")
    make(route="hay")
    for term in ("NEEDLE", "first", str(api.pk)):
        shown = admin.get("/console/tokens/apitoken/pick-apis/", {"q": term}).content.decode()
        assert "needle/one" in shown
        assert "hay" not in shown


def test_the_scripts_of_all_chosen_apis_are_held_before_one_is_saved(admin, make):
    apis = [make(route=route).definition for route in ("one", "two")]
    sent = filled_in(admin.get(ADD), name="client", apis=[api.pk for api in apis])
    with CaptureQueriesContext(connection) as done:
        assert admin.post(ADD, sent).status_code == 200
    texts = [query["sql"].replace("-", "") for query in done.captured_queries]
    first = next(place for place, text in enumerate(texts) if text.startswith('UPDATE "definitions_apidefinition"'))
    asked = [text for text in texts[:first] if 'FROM "automation_automationscript"' in text]
    assert any(all(api.script_id.hex in text for api in apis) for text in asked)
