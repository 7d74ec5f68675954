"""What a page costs does not grow with the number of rows."""

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automation.models import WorkerNode
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from tests.console.conftest import page


def queries(client, address, **form) -> int:
    """How many queries the page takes once Django knows its content types."""
    ContentType.objects.get_for_models(*apps.get_models())
    with CaptureQueriesContext(connection) as captured:
        response = client.post(address, form) if form else client.get(address)
    assert response.status_code == 200
    return len(captured)


def publish(make, number: int) -> None:
    """More of everything."""
    for _ in range(number):
        make()
        WorkerNode.objects.create(id=WorkerNode.objects.count() + 1_000, host="node")


@pytest.mark.parametrize(
    "model", ["definitions_apidefinition", "tokens_apitoken", "automation_automationscript", "automation_workernode"]
)
def test_a_list_costs_the_same_with_many_rows(admin, make, model):
    publish(make, 2)
    few = queries(admin, page(model, "changelist"))
    publish(make, 15)
    assert queries(admin, page(model, "changelist")) == few


def test_a_form_costs_the_same_with_many_tokens(admin, make):
    api = make()
    address = page("definitions_apidefinition", "change", api.definition.pk)
    few = queries(admin, address)
    publish(make, 15)
    assert queries(admin, address) == few


@pytest.mark.parametrize("kind", ["change", "uses", "runs"])
def test_the_pages_of_a_script_cost_the_same_with_many_apis(admin, make, kind):
    script = make.script(name="used by many")
    address = page("automation_automationscript", kind, script.pk)

    def use(number: int) -> None:
        for _ in range(number):
            save_definition(ApiDefinition(route=f"many/{ApiDefinition.objects.count()}", script=script), "ann", [])

    use(2)
    few = queries(admin, address)
    use(15)
    assert queries(admin, address) == few


@pytest.mark.parametrize("address", ["/console/trigger/definitions/", "/console/events/informationevent/"])
def test_other_pages_cost_the_same_with_many_rows(admin, make, address):
    publish(make, 2)
    few = queries(admin, address)
    publish(make, 15)
    assert queries(admin, address) == few


@pytest.mark.parametrize("model", ["tokens_apitoken", "automation_automationscript"])
def test_asking_about_a_selection_costs_the_same_for_many(admin, make, model):
    publish(make, 17)
    rows = admin.get(page(model, "changelist")).context["cl"].result_list
    chosen = {"action": "delete_selected", "index": "0"}
    few = queries(admin, page(model, "changelist"), **chosen, _selected_action=[row.pk for row in rows[:2]])
    assert queries(admin, page(model, "changelist"), **chosen, _selected_action=[row.pk for row in rows]) == few
