"""What is done to many rows of a list at once: asked first, each change checked, reported, taken back."""

import io
import zipfile
from uuid import UUID

import pytest
import yaml
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from definitions.models import AllowedToken, ApiDefinition
from events.models import InformationEvent
from tests.console.conftest import FLAGS, page, said
from tests.console.test_usage import called
from tokens.models import ApiToken

API, TOKEN, SCRIPT = "definitions_apidefinition", "tokens_apitoken", "automation_automationscript"
ALLOW, REMOVE = "allow_token_selected", "remove_token_selected"


def ask(client, model, action, *objects, query="", **further):
    """What the list sends for the chosen rows."""
    sent = {"action": action, "index": "0", "_selected_action": [str(obj.pk) for obj in objects]}
    return client.post(page(model, "changelist") + query, sent | further)


def confirm(client, model, action, *objects, query="", **further):
    """What the question sends."""
    sent = {"action": action, "post": "yes", "ids": ",".join(str(obj.pk) for obj in objects)}
    return client.post(page(model, "changelist") + query, sent | further, follow=True)


def words(response) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def allowed(definition) -> set[UUID]:
    return set(AllowedToken.objects.filter(definition=definition).values_list("token", flat=True))


@pytest.fixture
def apis(make):
    """Three APIs, each with a token of its own."""
    return [make(route=f"bulk/{number}", token=make.token(name=f"token {number}")) for number in range(3)]


@pytest.mark.parametrize(
    ("model", "action", "title", "says"),
    [
        (API, "disable_selected", "Disable 2 APIs?", "Callers are refused at once with error 2009."),
        (API, "enable_selected", "Enable 2 APIs?", "Callers are answered again at once."),
        (API, ALLOW, "Allow tokens for 2 APIs?", "Callers with these tokens can call them at once."),
        (API, REMOVE, "Remove tokens from 2 APIs?", "Callers with these tokens are refused at once."),
        (API, "export_selected", "Export 2 APIs?", "It has no secrets."),
        (API, "delete_selected", "Delete 2 APIs?", "Callers will get 404 (error 5)."),
        (TOKEN, "disable_selected", "Disable 2 tokens?", "Requests with these tokens are refused at once."),
        (TOKEN, "enable_selected", "Enable 2 tokens?", "are accepted again at once."),
    ],
)
def test_each_action_asks_first(admin, apis, model, action, title, says):
    events = InformationEvent.objects.count()
    chosen = [api.definition if model == API else api.token for api in apis[:2]]
    shown = words(ask(admin, model, action, *chosen))
    assert title in shown
    assert says in shown
    assert ",".join(str(obj.pk) for obj in chosen) in shown or ",".join(str(obj.pk) for obj in chosen[::-1]) in shown
    assert InformationEvent.objects.count() == events


def test_a_question_tells_the_last_use(admin, visit, apis):
    definitions = [api.definition for api in apis]
    assert "None of them was ever called." in words(ask(admin, API, "disable_selected", *definitions))
    called(definitions[0].pk, apis[0].token.pk)
    for action in ("disable_selected", "delete_selected"):
        assert "1 of them was called in the last 24 hours" in words(ask(admin, API, action, *definitions))
    assert "It was last called" in words(admin.get(page(API, "delete", definitions[0].pk)))
    assert "It was never called." in words(admin.get(page(API, "delete", definitions[1].pk)))
    blind = visit(*FLAGS - {"runs.ui_available"})
    assert "in the last 24 hours" not in words(ask(blind, API, "disable_selected", *definitions))
    ApiToken._base_manager.filter(pk=apis[0].token.pk).update(last_used=timezone.now())
    assert "1 of them was used in the last 24 hours" in words(
        ask(admin, TOKEN, "disable_selected", *(api.token for api in apis))
    )


def test_a_token_is_allowed_for_many_and_removed_from_many(admin, apis):
    definitions, token = [api.definition for api in apis], apis[0].token
    events = InformationEvent.objects.count()
    response = confirm(admin, API, ALLOW, *definitions, tokens=[str(token.pk)])
    assert said(response) == "2 APIs changed. 1 stayed as it was."
    assert all(token.pk in allowed(definition) for definition in definitions)
    assert allowed(definitions[1]) == {token.pk, apis[1].token.pk}
    assert InformationEvent.objects.count() == events + 2
    assert LogEntry.objects.count() == 2
    response = confirm(admin, API, REMOVE, *definitions, tokens=[str(token.pk)])
    assert said(response) == "3 APIs changed."
    assert allowed(definitions[0]) == set()
    assert allowed(definitions[1]) == {apis[1].token.pk}
    definitions[0].refresh_from_db()
    assert definitions[0].last_modified_by == "root"


@pytest.mark.parametrize("tokens", [[], ["rubbish"], ["00000000-0000-0000-0000-000000000000"]])
def test_without_a_token_it_asks_again(admin, apis, tokens):
    response = confirm(admin, API, ALLOW, apis[0].definition, tokens=tokens)
    assert "Choose a token." in words(response)
    assert len(allowed(apis[0].definition)) == 1


def test_only_tokens_that_are_allowed_are_offered_for_removal(admin, apis):
    shown = words(ask(admin, API, REMOVE, apis[0].definition, apis[1].definition))
    assert ["token 0" in shown, "token 1" in shown, "token 2" in shown] == [True, True, False]


def test_all_that_match_are_chosen_and_the_search_stays(admin, make, apis):
    for number in range(60):
        make(route=f"many/{number}")
    query = "?q=many&state=enabled"
    chosen = ApiDefinition.objects.filter(route__startswith="many/")
    response = ask(admin, API, "disable_selected", chosen[0], query=query, select_across="1")
    assert "Disable 60 APIs?" in words(response)
    assert "and 50 more" in words(response)
    response = confirm(admin, API, "disable_selected", *chosen, query=query)
    assert response.redirect_chain == [(page(API, "changelist") + query, 302)]
    assert said(response).startswith("60 APIs disabled.")
    assert ApiDefinition.objects.filter(is_disabled=True).count() == 60


def test_a_selection_may_be_larger_than_the_fields_of_a_form(admin, make):
    tokens = ApiToken._base_manager.bulk_create(
        ApiToken(name=f"many {number}", secret_digest=f"{number:064}", pepper_id=1) for number in range(1_100)
    )
    response = confirm(admin, TOKEN, "delete_selected", *tokens)
    assert said(response) == "1,100 tokens deleted."


@pytest.mark.parametrize("model", [API, TOKEN])
def test_disabling_and_enabling_can_be_taken_back(admin, apis, model):
    objects = [api.definition if model == API else api.token for api in apis]
    type(objects[0])._base_manager.filter(pk=objects[0].pk).update(is_disabled=True)
    shown = confirm(admin, model, "disable_selected", *objects).content.decode()
    undo = shown.partition('name="undo" value="')[2].partition('"')[0]
    assert undo.startswith("enable_selected:")
    assert str(objects[0].pk) not in undo
    admin.post(page(model, "changelist") + "?state=enabled", {"undo": undo, "index": "0", "select_across": "1"})
    assert [type(obj).objects.get(pk=obj.pk).is_disabled for obj in objects] == [True, False, False]


def test_a_single_switch_offers_undo_without_scripts(admin, apis):
    definition = apis[0].definition
    address = f"{page(API, 'changelist')}{definition.pk}/switch/"
    shown = said(admin.post(address, {"state": "off"}, follow=True))
    assert shown.startswith("bulk/0 disabled. <button") or "(bulk/0) disabled. <button" in shown
    assert f'value="enable_selected:{definition.pk}"' in shown


@pytest.mark.parametrize(
    ("action", "missing"),
    [
        (ALLOW, "definitions.add_edit"),
        (ALLOW, "automation.execute"),
        (ALLOW, "tokens.ui_available"),
        (REMOVE, "definitions.add_edit"),
        (REMOVE, "tokens.ui_available"),
        ("disable_selected", "automation.execute"),
        ("delete_selected", "definitions.delete"),
        ("export_selected", "tokens.ui_available"),
        ("export_selected", "automation.ui_available"),
    ],
)
def test_no_action_is_offered_or_done_without_its_flags(visit, apis, action, missing):
    client, definition = visit(*FLAGS - {missing}), apis[0].definition
    events = InformationEvent.objects.count()
    assert f'value="{action}"' not in client.get(page(API, "changelist")).content.decode()
    confirm(client, API, action, definition, tokens=[str(apis[1].token.pk)])
    assert InformationEvent.objects.count() == events
    if action == "export_selected":
        assert client.post(reverse(action), {"ids": str(definition.pk)}).status_code == 403


def test_the_export_has_what_the_chosen_apis_need_and_no_secret(admin, make, apis):
    make.script("VALUE = 1\n", name="tools", kind="Library")
    script = make.script("from scripts.tools import VALUE\n\ndef run(engine):\n    pass\n", name="user of tools")
    definition = make(route="bulk/exported", token=(apis[0].token, "")).definition
    definition.script, definition.action_type, definition.input_type = script, "AutomationScriptNoEntryPoint", ""
    definition.save()
    answer = admin.post(reverse("export_selected"), {"ids": f"{definition.pk},rubbish"})
    assert answer["Content-Disposition"] == 'attachment; filename="apis.zip"'
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    document = yaml.safe_load(archive.read("apis.yaml"))
    assert sorted(document) == ["definitions", "scripts", "tokens"]
    assert [one["route"] for one in document["definitions"]] == ["bulk/exported"]
    assert [one["name"] for one in document["scripts"]] == ["tools", "user of tools"]
    assert [one["name"] for one in document["tokens"]] == ["token 0"]
    assert any("from scripts.tools import VALUE" in archive.read(name).decode() for name in archive.namelist())
    assert all(apis[0].token.secret_digest not in archive.read(name).decode() for name in archive.namelist())


def test_rubbish_chooses_nothing(admin, apis):
    for ids in ("rubbish", ",,", "1,2"):
        response = admin.post(page(API, "changelist"), {"action": "delete_selected", "post": "yes", "ids": ids})
        assert response.status_code == 200
    assert ApiDefinition.objects.count() == 3


def test_an_undo_deletes_nothing(admin, apis):
    admin.post(page(API, "changelist"), {"undo": f"delete_selected:{apis[0].definition.pk}", "index": "0"})
    assert ApiDefinition.objects.count() == 3
