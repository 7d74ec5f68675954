"""*Try it* of an API, and the names that stand for ids in its reasons."""

import pytest

from tests.console.conftest import page

RUNNER = ("definitions.ui_available", "automation.execute")


@pytest.fixture
def api(make):
    return make(route="encoders/{id}")


def names(client, *ids) -> dict[str, str]:
    answer = client.get("/console/trigger/names/", {"id": [str(each) for each in ids]})
    assert answer.status_code == 200
    return {key: known["name"] for key, known in answer.json()["names"].items()}


def test_try_it_is_a_tab_with_the_form_of_this_api(visit, api):
    address = page("definitions_apidefinition", "try", api.definition.pk)
    shown = visit(*RUNNER).get(address).content.decode()
    assert f'href="{address}" aria-current="page"' in shown
    assert 'id="trigger-form"' in shown
    assert 'id="picker"' not in shown
    assert str(api.definition.pk) in shown
    assert page("definitions_apidefinition", "history", api.definition.pk) in shown


@pytest.mark.parametrize("flags", [["definitions.ui_available"], ["automation.execute"], ["tokens.ui_available"]])
def test_without_the_flags_to_run_there_is_no_such_page_and_no_tab(visit, api, flags):
    client = visit(*flags)
    address = page("definitions_apidefinition", "try", api.definition.pk)
    assert client.get(address).status_code == 403
    assert client.get("/console/trigger/names/").status_code == 403
    if "definitions.ui_available" in flags:
        assert address not in client.get(page("definitions_apidefinition", "view", api.definition.pk)).content.decode()


def test_unknown_api_is_not_found(visit, api):
    address = page("definitions_apidefinition", "try", api.token.pk)
    assert visit(*RUNNER).get(address).status_code == 404


def test_ids_get_the_names_that_the_user_may_see(admin, visit, api):
    ids = (api.definition.pk, api.token.pk, api.definition.script_id)
    script = api.definition.script
    route, token = "encoders/{id}", api.token.name
    assert names(admin, *ids, "rubbish") == {
        str(ids[0]): route,
        str(ids[1]): token,
        str(ids[2]): script.name,
    }
    assert names(visit(*RUNNER), *ids) == {str(ids[0]): route}
