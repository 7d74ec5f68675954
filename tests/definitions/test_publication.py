"""Without Automation > Execute nobody can change the code that an API runs, in its script or a subscript."""

import pytest
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from automation.models import AutomationScript
from definitions.models import ApiDefinition
from testbed.publisher import Publisher

API = "/api/management/scripts/"
RUNNABLE = "def run(engine): pass\n"
CALLS_HELPER = """
from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine

def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    engine.run_subscript("helper", {})
    return ApiTriggerOutput()
"""


@pytest.fixture
def author(db):
    """A client of a user who may write scripts, but not run them."""
    user = User.objects.create_user("author")
    user.user_permissions.set(Permission.objects.filter(codename__in=["add_edit", "ui_available", "delete"]))
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def publish(db):
    return Publisher()


def _reason(response) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["detail"]


def test_before_the_first_api_scripts_are_written_freely(author):
    assert author.post(API, {"name": "helper", "source": RUNNABLE}, format="json").status_code == 201
    assert author.patch(f"{API}helper/", {"source": RUNNABLE + "\n"}, format="json").status_code == 200
    assert author.patch(f"{API}helper/", {"name": "other"}, format="json").status_code == 200


def test_a_subscript_is_not_replaced_by_another_of_its_name(author, publish):
    publish(CALLS_HELPER, name="caller")
    publish.script(RUNNABLE, name="helper")
    moved = author.patch(f"{API}helper/", {"name": "moved"}, format="json")
    assert _reason(moved) == (
        403,
        "Scripts call a script with run(engine) by its name, and import a library by its name: "
        "adding or renaming one, or changing its source, needs Automation > Execute as well.",
    )
    assert author.patch(f"{API}helper/", {"source": RUNNABLE + "x = 1\n"}, format="json").status_code == 403
    # Without Execute a script can be deleted, but not replaced.
    assert author.delete(f"{API}helper/").status_code == 204
    assert author.post(API, {"name": "helper", "source": RUNNABLE}, format="json").status_code == 403
    assert [script.name for script in AutomationScript.objects.all()] == ["caller"]


def test_a_script_that_cannot_be_called_cannot_become_callable(author, publish):
    publish()
    publish.script(name="harmless")
    assert author.patch(f"{API}harmless/", {"name": "helper"}, format="json").status_code == 200
    assert author.patch(f"{API}helper/", {"source": RUNNABLE}, format="json").status_code == 403


def test_the_source_that_an_api_runs_is_not_changed(author, publish):
    publish(name="used")
    changed = author.patch(f"{API}used/", {"source": CALLS_HELPER}, format="json")
    assert _reason(changed) == (
        403,
        "An API runs this script: changing its source needs Automation > Execute as well.",
    )
    assert author.patch(f"{API}used/", {"description": "changed"}, format="json").status_code == 200


def test_the_last_api_gone_scripts_are_free_again(author, publish):
    api = publish(name="used")
    ApiDefinition.objects.get(pk=api.definition.pk).delete()
    assert author.post(API, {"name": "helper", "source": RUNNABLE}, format="json").status_code == 201
