"""No filter, order or search reveals a name that a user may not view."""

import pytest
from django.utils import timezone

from definitions.models import ApiDefinition
from runs.models import FailingApi
from tests.console.conftest import FLAGS, page
from tokens.models import ApiToken

DEFINITION, TOKEN, SCRIPT = "definitions_apidefinition", "tokens_apitoken", "automation_automationscript"
WITHOUT_TOKENS = {flag for flag in FLAGS if not flag.startswith("tokens.")}


@pytest.fixture
def api(make):
    """An API with a token of a telling name."""
    return make(route="a/one", token=make.token(name="zebra"))


def _listed(client, **query) -> list[str]:
    response = client.get(page(DEFINITION, "changelist"), query)
    assert response.status_code == 200
    return [row.route for row in response.context["cl"].result_list]


@pytest.mark.parametrize("text", ["z", "zebra", "ZEB", "a", "nothing"])
def test_token_names_are_no_filter_without_the_tokens_flag(visit, api, text):
    assert _listed(visit(*WITHOUT_TOKENS), token=text) == []


def test_token_ids_are_a_filter_without_the_tokens_flag(visit, api):
    client = visit(*WITHOUT_TOKENS)
    assert _listed(client, token=str(api.token.pk)) == ["a/one"]
    assert _listed(client, token="") == ["a/one"]
    titles = [one.title for one in client.get(page(DEFINITION, "changelist")).context["cl"].filter_specs]
    assert "token (id)" in titles


def test_token_names_are_a_filter_with_the_tokens_flag(visit, api):
    assert _listed(visit(*FLAGS), token="zeb") == ["a/one"]


@pytest.mark.parametrize("lookup", ["allowed_tokens__name__startswith", "allowedtoken__token__name", "script__source"])
def test_the_address_of_a_list_takes_no_other_filter(visit, api, lookup):
    response = visit(*WITHOUT_TOKENS).get(page(DEFINITION, "changelist"), {lookup: "z"})
    assert response.status_code in {302, 400}


def test_ids_do_not_come_in_the_order_of_names(visit, make, admin):
    tokens = sorted(ApiToken.objects.filter(pk__in=[make.token()[0].pk for _ in range(3)]), key=lambda one: one.pk)
    for token, name in zip(tokens, ["c", "b", "a"], strict=True):
        ApiToken._base_manager.filter(pk=token.pk).update(name=name)
    definition = make(route="a/one").definition
    definition.allowed_tokens.through._base_manager.filter(definition=definition).delete()
    for token in tokens:
        definition.allowed_tokens.through(definition=definition, token=token).save()
    client = visit(*WITHOUT_TOKENS)
    listed = client.get(page(DEFINITION, "changelist")).content.decode()
    assert [str(token.pk) in listed for token in tokens] == [True, False, False]
    for address in (page(DEFINITION, k, definition.pk) for k in ("access", "change")):
        text = client.get(address).content.decode()
        places = [text.index(str(token.pk)) for token in tokens]
        assert places == sorted(places), address
        assert not any(name in text for name in ("zebra", ">c<"))


def test_routes_do_not_show_in_the_order_of_ids(visit, make):
    script = make().definition.script
    apis = [make(route=f"other/{name}").definition for name in "abc"]
    for definition in apis:
        definition.script = script
        definition.save()
    client = visit("automation.ui_available", "automation.delete")
    text = client.get(page(SCRIPT, "view", script.pk)).content.decode()
    places = [text.index(str(pk)) for pk in sorted(one.pk for one in apis)]
    assert places == sorted(places)


def test_tokens_tell_nothing_of_themselves_without_the_tokens_flag(visit, make):
    token, _secret = make.token(name="zebra", rate_limit=77, rate_window_seconds=60, is_disabled=True)
    address = page(DEFINITION, "access", make(token=(token, "")).definition.pk)
    assert "77 a minute" in visit(*FLAGS).get(address).content.decode()
    shown = visit(*WITHOUT_TOKENS).get(address).content.decode()
    assert str(token.pk) in shown
    assert "77 a minute" not in shown
    assert "Disabled" not in shown


@pytest.mark.parametrize("value", ["failing", "objectives"])
def test_how_runs_ended_is_no_filter_without_the_runs_flag(visit, make, value):
    failing, fine = make(route="failing").definition, make(route="fine").definition
    ApiDefinition._base_manager.filter(pk=failing.pk).update(objective_success_rate=99)
    FailingApi.objects.create(pk=failing.pk, since=timezone.now(), runs=9, failed=9, last_run_id=failing.pk)
    without = visit(*FLAGS - {"runs.ui_available"})
    assert _listed(without, attention=value) == ["failing", "fine"]
    assert "misses its objectives" not in without.get(page(DEFINITION, "changelist")).content.decode()
    assert fine.route not in _listed(visit(*FLAGS), attention=value)
