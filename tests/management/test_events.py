"""`events/`: lists, counts and exports, and who sees which events."""

import csv
import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from events.models import InformationEvent
from objects.changes import delete_checked
from runs.bodies import bodies_of
from testbed.changed import change
from testbed.publisher import Publisher
from testbed.run_rows import add_run_with_bodies
from tests.management.conftest import ROOT, only

EVENTS = f"{ROOT}events/"
FLAG_OF = {
    "definitions.ui_available": "ApiDefinition",
    "tokens.ui_available": "ApiToken",
    "automation.ui_available": "AutomationScript",
    "runs.ui_available": "Run",
}


def results(response):
    assert response.status_code == 200, response.content
    return response.json()["results"]


def body(response) -> str:
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def test_an_event_on_the_wire(admin, make):
    User.objects.create_user("john", first_name="John", last_name="Doe")
    token, _ = make.token(name="internal")
    change(token, "john")
    newest = results(admin.get(EVENTS))[0]
    stored = InformationEvent.objects.latest("number")
    assert newest == {
        "id": str(stored.event_id),
        "time": stored.time.isoformat().replace("+00:00", "Z"),
        "parameterId": 64650,
        "parameterName": "User-defined APIs",
        "severity": "Information",
        "user": "John Doe",
        "verb": "updated",
        "objectType": "ApiToken",
        "objectId": str(token.pk),
        "message": f"ApiToken 'internal' ({token.pk}) was updated by John Doe",
    }
    assert admin.get(f"{EVENTS}{newest['id']}/").json() == newest


@pytest.fixture
def history(make):
    """A definition, its script and its token; then the token was updated and a second one deleted."""
    User.objects.create_user("john", first_name="John", last_name="Doe")
    Publisher.forget_people()
    api = make(route="a/b", name="poll")
    change(api.token, "john")
    other, _ = make.token(name="other")
    delete_checked(other, "john")
    return api


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 6),
        ("user=John Doe", 2),
        ("user=john", 2),
        ("user=nobody", 0),
        ("verb=added", 4),
        ("verb=added&verb=deleted", 5),
        ("objectType=ApiToken", 4),
        ("objectType=ApiToken&verb=updated", 1),
        ("route=a/b", 1),
        ("name=poll", 1),
        ("name=other&name=poll", 3),
        ("isDisabled=false", 4),
        ("isDisabled=true", 0),
        ("actionType=AutomationScript", 1),
        ("search=was deleted by", 1),
        ("timeAfter=2000-01-01", 6),
        ("timeBefore=2000-01-01T00:00:00Z", 0),
    ],
)
def test_events_are_filtered(admin, history, query, count):
    found = admin.get(f"{EVENTS}?{query}").json()
    assert (found["count"], len(found["results"])) == (count, count)
    assert admin.get(f"{EVENTS}count/?{query}").json() == {"count": count}
    assert body(admin.get(f"{EVENTS}export/jsonl/?{query}")).count("\n") == count
    assert body(admin.get(f"{EVENTS}export/csv/?{query}")).count("\r\n") == count + 1


def test_events_are_filtered_by_object_id_and_time(admin, history):
    assert len(results(admin.get(EVENTS, {"objectId": str(history.token.pk)}))) == 2
    newest = InformationEvent.objects.latest("number")
    InformationEvent._base_manager.filter(pk=newest.pk).update(time=newest.time + timedelta(hours=1))
    later = results(admin.get(EVENTS, {"timeAfter": (newest.time + timedelta(minutes=59)).isoformat()}))
    assert [event["id"] for event in later] == [str(newest.event_id)]
    assert len(results(admin.get(EVENTS, {"id": str(newest.event_id)}))) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("verb=done", "verb"),
        ("objectType=Token", "objectType"),
        ("objectId=7", "objectId"),
        ("id=x", "id"),
        ("isDisabled=1", "isDisabled"),
        ("timeAfter=yesterday", "timeAfter"),
        ("timeBefore=2000-13-01T00:00:00Z", "timeBefore"),
        ("ordering=message", "ordering"),
        ("ordering=", "ordering"),
        ("limit=0", "limit"),
        ("offset=-1", "offset"),
        ("limit=1&limit=2", "limit"),
        ("nonsense=1", "nonsense"),
        ("user=%00", "user"),
    ],
)
def test_malformed_filters_are_refused(admin, query, field):
    assert only(admin.get(f"{EVENTS}?{query}"), 400) == {"reason": "InvalidField", "field": field}


def test_events_are_ordered_and_paged(admin, history):
    times = [event["time"] for event in results(admin.get(EVENTS))]
    assert times == sorted(times, reverse=True)
    assert [event["time"] for event in results(admin.get(EVENTS, {"ordering": "time"}))] == sorted(times)
    users = [event["user"] for event in results(admin.get(EVENTS, {"ordering": "-user"}))]
    assert users == sorted(users, reverse=True)
    page = admin.get(EVENTS, {"limit": 4, "offset": 4}).json()
    assert (page["count"], len(page["results"]), page["next"]) == (6, 2, None)
    assert "offset=0" in page["previous"] or "offset" not in page["previous"]


@pytest.mark.parametrize("flag", FLAG_OF)
def test_each_flag_shows_the_events_of_its_objects(login, history, flag):
    bodies_of(add_run_with_bodies(), "john")
    client = login(flag)
    seen = results(client.get(EVENTS))
    assert {event["objectType"] for event in seen} == {FLAG_OF[flag]}
    assert client.get(f"{EVENTS}count/").json() == {"count": len(seen)}
    exported = body(client.get(f"{EVENTS}export/jsonl/")).splitlines()
    assert {json.loads(line)["objectType"] for line in exported} == {FLAG_OF[flag]}
    hidden = InformationEvent.objects.exclude(object_type=FLAG_OF[flag]).latest("number")
    assert only(client.get(f"{EVENTS}{hidden.event_id}/"), 404) == {"reason": "NotFound"}


@pytest.mark.parametrize("address", ["", "count/", "export/csv/", "export/jsonl/", "7/"])
def test_users_without_a_flag_see_no_events(login, client, address):
    others = ("definitions.add_edit", "tokens.add_edit", "automation.add_edit", "automation.execute")
    assert only(login(*others).get(f"{EVENTS}{address}"), 403) == {"reason": "PermissionDenied"}
    assert client.get(f"{EVENTS}{address}").status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_events_cannot_be_changed(admin, history, method):
    event = InformationEvent.objects.latest("number")
    for address in ("", f"{event.event_id}/"):
        assert only(getattr(admin, method)(f"{EVENTS}{address}"), 405) == {"reason": "MethodNotAllowed"}
    assert InformationEvent.objects.count() == 6


def test_csv_has_a_header_and_is_safe_in_spreadsheets(admin, make):
    User.objects.create_user("=cmd", first_name="=1+1", last_name='"; x')
    Publisher.forget_people()
    change(make.token(name="ä, b")[0], "=cmd")
    response = admin.get(f"{EVENTS}export/csv/")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="events.csv"' in response["Content-Disposition"]
    text = body(response)
    names, *rows = csv.reader(text.removeprefix("\ufeff").splitlines())
    assert names == list(results(admin.get(EVENTS))[0])
    assert rows[-1][names.index("user")] == "'=1+1 \"; x"
    assert "ä, b" in rows[0][names.index("message")]


def test_an_export_is_the_list_from_its_oldest_on(admin, history):
    exported = [json.loads(line) for line in body(admin.get(f"{EVENTS}export/jsonl/")).splitlines()]
    assert exported == results(admin.get(EVENTS))[::-1]


def test_the_queries_of_a_page_do_not_grow_with_its_events(admin, make, django_assert_num_queries):
    counts = []
    for _ in range(2):
        for _ in range(5):
            make.token()
        with django_assert_num_queries(2):
            counts.append(len(results(admin.get(EVENTS))))
    assert counts == [5, 10]
