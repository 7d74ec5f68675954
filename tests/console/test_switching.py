"""Enabling and disabling APIs and tokens from their lists, one or many."""

import pytest
from django.contrib.admin.models import LogEntry

from automation.models import AutomationScript
from definitions.models import ApiDefinition
from events.models import InformationEvent
from tests.console.conftest import FLAGS, page, said
from tokens.models import ApiToken

API, TOKEN = "definitions_apidefinition", "tokens_apitoken"
BOTH = pytest.mark.parametrize("model", [API, TOKEN])
MODELS = {API: ApiDefinition, TOKEN: ApiToken}


def new(make, model, is_disabled=False):
    """A new object of `model`."""
    if model == TOKEN:
        return make.token(is_disabled=is_disabled)[0]
    made = make().definition
    ApiDefinition._base_manager.filter(pk=made.pk).update(is_disabled=is_disabled)
    return made


def switch(client, model, obj, state, **headers):
    return client.post(f"/console/{model.replace('_', '/')}/{obj.pk}/switch/", {"state": state}, headers=headers)


def disabled(obj) -> bool:
    return bool(type(obj).objects.values_list("is_disabled", flat=True).get(pk=obj.pk))


def selected(action, *objects):
    """What the question sends when the user wants it."""
    return {"action": action, "post": "yes", "ids": ",".join(str(obj.pk) for obj in objects)}


@BOTH
def test_a_row_is_switched_and_leaves_an_event(admin, make, model):
    obj = new(make, model)
    events = InformationEvent.objects.count()
    assert switch(admin, model, obj, "off").status_code == 302
    assert disabled(obj)
    assert switch(admin, model, obj, "on", **{"X-Requested-With": "fetch"}).status_code == 204
    obj.refresh_from_db()
    assert (obj.is_disabled, obj.last_modified_by, obj.revision) == (False, "root", 3)
    assert InformationEvent.objects.count() == events + 2
    assert LogEntry.objects.count() == 2


@BOTH
def test_switching_to_the_state_it_has_is_no_change(admin, make, model):
    obj = new(make, model)
    switch(admin, model, obj, "on")
    obj.refresh_from_db()
    assert obj.revision == 1


@pytest.mark.parametrize(("model", "noun"), [(API, "APIs"), (TOKEN, "tokens")])
def test_many_are_switched_at_once(admin, make, model, noun):
    objects = [new(make, model, is_disabled=number == 0) for number in range(3)]
    response = admin.post(page(model, "changelist"), selected("disable_selected", *objects), follow=True)
    assert said(response).startswith(f"2 {noun} disabled. 1 was already disabled. <button")
    assert all(map(disabled, objects))
    response = admin.post(page(model, "changelist"), selected("enable_selected", *objects), follow=True)
    assert said(response).startswith(f"3 {noun} enabled. <button")
    assert not any(map(disabled, objects))


def test_an_api_that_a_rule_refuses_is_named_with_the_reason(admin, make):
    broken, fine = new(make, API), new(make, API)
    AutomationScript._base_manager.filter(pk=broken.script_id).update(has_api_trigger=False)
    response = admin.post(page(API, "changelist"), selected("disable_selected", broken, fine), follow=True)
    assert "2 APIs disabled." in said(response)
    response = admin.post(page(API, "changelist"), selected("enable_selected", broken, fine), follow=True)
    assert "1 API enabled." in said(response)
    assert "1 API not changed." in said(response)
    assert f"{broken.route}: The script has no function on_api_trigger" in said(response)
    assert switch(admin, API, broken, "on", **{"X-Requested-With": "fetch"}).status_code == 409
    assert [disabled(broken), disabled(fine)] == [True, False]


@pytest.mark.parametrize(
    ("model", "missing"),
    [
        (TOKEN, "tokens.add_edit"),
        (TOKEN, "tokens.ui_available"),
        (API, "definitions.add_edit"),
        (API, "definitions.ui_available"),
        (API, "automation.execute"),
    ],
)
def test_users_who_may_not_change_objects_switch_none(visit, make, model, missing):
    obj = new(make, model)
    client = visit(*FLAGS - {missing})
    assert switch(client, model, obj, "off").status_code == 403
    client.post(page(model, "changelist"), selected("disable_selected", obj))
    assert not disabled(obj)


@BOTH
def test_viewers_are_offered_no_switch(visit, make, model):
    new(make, model, is_disabled=True)
    flag = f"{model.partition('_')[0]}.ui_available"
    content = visit(flag).get(page(model, "changelist")).content.decode()
    for what in ("data-switch", "rotate/", "disable_selected", "delete/", "action-select", "Show its APIs"):
        assert what not in content
    assert "Copy id" in content
    assert ">Disabled<" in content


@BOTH
def test_a_list_is_filtered_by_state(admin, make, model):
    on, off = new(make, model), new(make, model, is_disabled=True)
    for state, found in (("enabled", on), ("disabled", off)):
        response = admin.get(page(model, "changelist"), {"state": state})
        assert found in list(response.context["cl"].result_list)
        assert {obj.is_disabled for obj in response.context["cl"].result_list} == {state == "disabled"}


@BOTH
def test_a_get_request_switches_nothing(admin, make, model):
    obj = new(make, model)
    root = f"/console/{model.replace('_', '/')}"
    assert admin.get(f"{root}/{obj.pk}/switch/").status_code == 403
    MODELS[model]._base_manager.filter(pk=obj.pk).delete()
    assert switch(admin, model, obj, "off").status_code == 404
    assert admin.post(f"{root}/rubbish/switch/").status_code == 404
