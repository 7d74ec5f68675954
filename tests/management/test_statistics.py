"""`statistics/`: the figures of a time, over time, and by definition, token or script."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from jsonschema import Draft202012Validator

from fleet.records import RunStatus
from foundation.times import iso_utc
from management.schema import document
from runs import store
from runs.models import RunsNotKept
from tests.management.conftest import ROOT, only
from tests.runs.records import ended, id_at

STATISTICS = f"{ROOT}statistics/"
# A time of which no other test has runs.
NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
DAY = {"from": iso_utc(NOON - timedelta(hours=12)), "to": iso_utc(NOON + timedelta(hours=12))}


def answer(client, **query):
    response = client.get(STATISTICS, DAY | query)
    assert response.status_code == 200, response.content
    return response.json()


@pytest.fixture
def api(make):
    """An API with three runs at noon: two that succeeded, and one that failed after half a second."""
    api = make()
    about = {
        "definition_id": str(api.definition.pk),
        "token_id": str(api.token.pk),
        "script_id": str(api.definition.script.pk),
        "queue_milliseconds": 2,
    }
    for status, milliseconds in ((RunStatus.SUCCEEDED, 5), (RunStatus.SUCCEEDED, 5), (RunStatus.FAILED, 500)):
        store.store_records([ended(status, id=id_at(NOON), run_milliseconds=milliseconds, **about)])
    return api


def test_figures_on_the_wire(admin, api):
    RunsNotKept.objects.update_or_create(minute=NOON, defaults={"records": 4})
    found = answer(admin, definition=api.definition.pk, step="1h", by="token")
    assert {name: found[name] for name in ("from", "to", "step", "notKept")} == DAY | {"step": "1h", "notKept": 4}
    assert (len(found["points"]), sum(point["calls"] for point in found["points"])) == (24, 3)
    expected = {
        "calls": 3,
        "failures": 1,
        "byStatus": {
            "Succeeded": 2, "Failed": 1, "Refused": 0, "Cancelled": 0, "NeverStarted": 0, "Unanswered": 0
        },
        "queueMilliseconds": {"p50": 2.0, "p95": 2.0, "p99": 2.0},
    }  # fmt: skip
    assert expected.items() <= found["total"].items()
    assert found["total"]["runMilliseconds"]["p50"] == 5
    assert found["total"]["runMilliseconds"]["p99"] == pytest.approx(500, rel=0.2)
    assert found["points"][12] == {"start": iso_utc(NOON)} | found["total"]
    assert found["groups"] == [{"id": str(api.token.pk)} | found["total"]]


def test_answer_is_as_described(admin, api):
    responses = document()["paths"][STATISTICS]["get"]["responses"]
    schema = responses["200"]["content"]["application/json"]["schema"]
    Draft202012Validator(schema | {"components": document()["components"]}).validate(answer(admin, by="definition"))


def test_names_and_ids_find_the_same(admin, api):
    by_id = answer(admin, script=api.definition.script.pk, token=api.token.pk, kind="Trigger,Message")
    by_name = answer(admin, script=api.definition.script.name, token=api.token.name, kind=["Trigger", "Message"])
    assert by_id == by_name
    assert by_id["total"]["calls"] == 3
    assert answer(admin, definition=uuid.uuid4())["total"]["calls"] == 0
    assert answer(admin, token=api.token.pk, kind="Replay")["total"]["calls"] == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"step": "2h"}, "step"),
        ({"step": "1m", "from": "2026-01-01"}, "step"),
        ({"from": "2026-03-01"}, "from"),
        ({"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"to": "0001-01-01T00:00:00Z", "from": None}, "from"),
        ({"by": "node"}, "by"),
        ({"definition": "mine"}, "definition"),
        ({"script": "no such script"}, "script"),
        ({"token": "no such token"}, "token"),
        ({"kind": "Call"}, "kind"),
        ({"limit": "1"}, "limit"),
    ],
)
def test_bad_parameters(admin, query, field):
    given = {name: value for name, value in (DAY | query).items() if value is not None}
    assert only(admin.get(STATISTICS, given), 400) == {"reason": "InvalidField", "field": field}


def test_without_a_time_the_last_day_is_told(admin):
    found = admin.get(STATISTICS).json()
    since, until = (datetime.fromisoformat(found[name]) for name in ("from", "to"))
    assert timedelta(hours=24) <= until - since <= timedelta(hours=24, minutes=30)
    assert found["step"] == "15m"
    assert "groups" not in found


def test_names_of_tokens_are_for_users_who_may_view_tokens(login, api):
    client = login("runs.ui_available")
    assert only(client.get(STATISTICS, {"token": api.token.name}), 400)["field"] == "token"
    assert answer(client, token=api.token.pk)["total"]["calls"] == 3
