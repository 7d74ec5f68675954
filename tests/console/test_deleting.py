"""Deleting tokens and scripts on the console's pages, one or many."""

import pytest
from django.contrib.admin.models import LogEntry

from automation.models import AutomationScript
from console import deletion
from objects.changes import delete_checked
from tests.console.conftest import FLAGS, page, said
from tokens.models import ApiToken

TOKEN, SCRIPT = "tokens_apitoken", "automation_automationscript"


@pytest.fixture
def used(make):
    """An API that uses its token and its script."""
    return make(route="the/route")


def objects(api):
    """What the API uses, by model."""
    return {TOKEN: api.token, SCRIPT: api.definition.script}


@pytest.mark.parametrize("model", [TOKEN, SCRIPT])
def test_an_object_in_use_stays_and_the_page_names_the_api(admin, used, model):
    obj = objects(used)[model]
    for response in (admin.get(page(model, "delete", obj.pk)), admin.post(page(model, "delete", obj.pk), {"post": 1})):
        assert response.status_code == 200
        assert "the/route" in response.content.decode()
        assert "This can't be undone" not in response.content.decode()
    obj.refresh_from_db()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(("model", "flag"), [(TOKEN, "tokens"), (SCRIPT, "automation")])
def test_who_may_not_view_definitions_learns_their_ids_alone(visit, used, model, flag):
    client = visit(f"{flag}.ui_available", f"{flag}.delete")
    content = client.get(page(model, "delete", objects(used)[model].pk)).content.decode()
    assert str(used.definition.pk) in content
    assert "the/route" not in content


@pytest.mark.parametrize("model", [TOKEN, SCRIPT])
def test_an_object_used_meanwhile_is_not_deleted(admin, make, monkeypatch, model):
    token, script = make.token(), make.script()
    obj = {TOKEN: token[0], SCRIPT: script}[model]

    def delete_late(instance, by):
        used = make(route="late", token=token)
        used.definition.script = script
        used.definition.save()
        delete_checked(instance, by)

    monkeypatch.setattr(deletion, "delete_checked", delete_late)
    response = admin.post(page(model, "delete", obj.pk), {"post": "yes"}, follow=True)
    assert "In use by 1 API definition(s)" in said(response)
    obj.refresh_from_db()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("model", [TOKEN, SCRIPT])
def test_a_free_object_is_deleted(admin, make, model):
    obj = {TOKEN: make.token()[0], SCRIPT: make.script()}[model]
    assert "This can't be undone" in admin.get(page(model, "delete", obj.pk)).content.decode()
    response = admin.post(page(model, "delete", obj.pk), {"post": "yes"}, follow=True)
    assert "was deleted successfully" in said(response)
    assert not type(obj).objects.filter(pk=obj.pk).exists()
    assert LogEntry.objects.get().is_deletion()


def selected(*objs):
    """What the list sends for the chosen objects."""
    return {"action": "delete_selected", "_selected_action": [str(obj.pk) for obj in objs]}


def test_a_selection_is_asked_about_first(admin, make, used):
    free, _ = make.token(name="free one")
    response = admin.post(page(TOKEN, "changelist"), selected(free, used.token) | {"index": "0"})
    content = response.content.decode()
    assert response.status_code == 200
    assert "free one" in content
    assert "the/route" in content
    assert "This can't be undone" in content
    assert ApiToken.objects.count() == 2


@pytest.mark.parametrize("model", [TOKEN, SCRIPT])
def test_a_bulk_delete_names_what_stays(admin, make, used, model):
    free = [{TOKEN: make.token()[0], SCRIPT: make.script()}[model] for _ in range(3)]
    obj, noun = objects(used)[model], {TOKEN: "tokens", SCRIPT: "scripts"}[model]
    response = admin.post(page(model, "changelist"), selected(*free, obj) | {"post": "yes"}, follow=True)
    assert f"3 {noun} deleted." in said(response)
    assert f"1 {noun.removesuffix('s')} not deleted." in said(response)
    assert obj.name in said(response)
    assert "the/route" in said(response)
    assert obj in type(obj).objects.all()
    assert not type(obj).objects.filter(pk__in=[one.pk for one in free]).exists()
    assert LogEntry.objects.count() == 3


def test_names_cannot_smuggle_markup_into_messages(admin, make):
    api = make(token=make.token(name="<script>alert(1)</script>"), route="x&y")
    response = admin.post(page(TOKEN, "changelist"), selected(api.token) | {"post": "yes"}, follow=True)
    assert "<script>alert(1)" not in response.content.decode()
    assert "x&amp;y" in response.content.decode()


def test_definitions_of_a_selection_go_with_their_links(admin, make):
    apis = [make(), make(route="dynamic/{id}")]
    model = "definitions_apidefinition"
    definitions = [api.definition for api in apis]
    assert admin.post(page(model, "changelist"), selected(*definitions) | {"index": 0}).status_code == 200
    response = admin.post(page(model, "changelist"), selected(*definitions) | {"post": "yes"}, follow=True)
    assert said(response) == "2 APIs deleted."
    assert ApiToken.objects.count() == AutomationScript.objects.count() == 2


def test_the_selection_is_no_way_past_the_delete_flag(visit, make):
    token, _ = make.token()
    client = visit(*FLAGS - {"tokens.delete"})
    client.post(page(TOKEN, "changelist"), selected(token) | {"post": "yes", "index": 0})
    client.post(page(TOKEN, "changelist"), selected(token) | {"post": "yes"})
    token.refresh_from_db()
