"""`definitions/{id}/objectives/`: how much of what an API may miss is used up."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from jsonschema import Draft202012Validator

from definitions.models import ApiDefinition
from fleet.records import RunStatus
from management.schema import document
from runs import store
from tests.management.conftest import ROOT, only
from tests.runs.records import ended, id_at


def state(client, definition):
    answer = client.get(f"{ROOT}definitions/{definition.pk}/objectives/")
    assert answer.status_code == 200, answer.content
    described = document()["components"]
    Draft202012Validator({"$ref": "#/components/schemas/ObjectiveState", "components": described}).validate(
        answer.json()
    )
    return answer.json()


def test_objectives_on_the_wire(admin, make):
    definition = make().definition
    targets = {"objective_success_rate": 75.0, "objective_p95_milliseconds": 100}
    ApiDefinition._base_manager.filter(pk=definition.pk).update(**targets)
    empty = state(admin, definition)
    success = {"target": 75.0, "successRate": None, "failures": 0, "allowedFailures": 0.0, "used": None}
    assert empty == {
        "calls": 0,
        "success": success | {"daysLeft": None},
        "p95": {"target": 100, "p95Milliseconds": None, "used": None},
        "isUsedUp": False,
    }
    moment = timezone.now() - timedelta(hours=1)
    about = {"definition_id": str(definition.pk), "ended_at": int(moment.timestamp() * 1_000) + 4}
    for status in (RunStatus.FAILED, *[RunStatus.SUCCEEDED] * 7):
        store.store_records([ended(status, id=id_at(moment), **about)])
    found = state(admin, definition)
    success = {"target": 75.0, "successRate": 87.5, "failures": 1, "allowedFailures": 2.0, "used": 0.5}
    assert found["success"] == success | {"daysLeft": 1.0}
    assert found["p95"]["p95Milliseconds"] == pytest.approx(4, abs=1) and found["p95"]["used"] == 0
    assert (found["calls"], found["isUsedUp"]) == (8, False)


def test_a_definition_without_objectives_and_none(admin, make):
    assert state(admin, make().definition) == {"calls": 0, "success": None, "p95": None, "isUsedUp": False}
    assert only(admin.get(f"{ROOT}definitions/{uuid.uuid4()}/objectives/"), 404)["reason"] == "NotFound"
    assert only(admin.get(f"{ROOT}definitions/x/objectives/"), 404)["reason"] == "NotFound"
