"""The page of information events."""

import json

import pytest
from django.contrib.auth.models import User

from events.models import InformationEvent
from objects.changes import delete_checked, save_checked
from runs.bodies import bodies_of
from testbed.publisher import Publisher
from testbed.run_rows import add_run_with_bodies
from tests.console.conftest import page

MODEL = "events_informationevent"
LIST = "/console/events/informationevent/"


def listed(response) -> list[InformationEvent]:
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


@pytest.fixture
def history(make):
    """An API, and a token that was updated by one user and deleted by another."""
    User.objects.create_user("john", first_name="John", last_name="Doe")
    Publisher.forget_people()
    make()
    token, _ = make.token(name="gone")
    save_checked(token, "john")
    delete_checked(token, "root")


def test_the_list_shows_what_happened_newest_first(admin, history):
    response = admin.get(page(MODEL, "changelist"))
    assert [event.verb for event in listed(response)] == ["deleted", "updated", "added", "added", "added", "added"]
    assert "was updated by John Doe" in response.content.decode()


def test_looks_at_what_runs_keep_are_listed_here_and_on_the_overview(admin, make):
    run = add_run_with_bodies()
    bodies_of(run, "john")
    response = admin.get(page(MODEL, "changelist"), {"verb__exact": "read", "object_type": "Run"})
    assert [event.object_id for event in listed(response)] == [run.pk]
    assert f"Run {run.pk} bodies were read by john" in response.content.decode()
    overview = admin.get("/console/").content.decode()
    assert f"request and response of run <strong>{run.pk}</strong> were read by john" in overview


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"verb__exact": "deleted"}, 1),
        ({"user": "John Doe"}, 1),
        ({"object_type": "ApiToken"}, 4),
        ({"time__gte": "2000-01-01 00:00:00Z"}, 6),
        ({"time__lt": "2000-01-01 00:00:00Z"}, 0),
        ({"q": "was deleted"}, 1),
        ({"q": "john"}, 1),
    ],
)
def test_filters_hold_for_the_list_and_for_the_exports(admin, history, query, count):
    assert len(listed(admin.get(page(MODEL, "changelist"), query))) == count
    exported = b"".join(admin.get("/console/events/informationevent/export/jsonl/", query).streaming_content)
    assert len([json.loads(line) for line in exported.splitlines()]) == count
    assert b"export/csv/?" in admin.get(page(MODEL, "changelist"), query).content


def test_filter_by_object_id(admin, history):
    event = InformationEvent.objects.latest("number")
    assert len(listed(admin.get(page(MODEL, "changelist"), {"q": str(event.object_id)}))) == 3


@pytest.mark.parametrize(
    ("flag", "object_type"),
    [
        ("definitions.ui_available", "ApiDefinition"),
        ("tokens.ui_available", "ApiToken"),
        ("automation.ui_available", "AutomationScript"),
    ],
)
def test_each_flag_shows_the_events_of_its_objects(visit, history, flag, object_type):
    client = visit(flag)
    assert {event.object_type for event in listed(client.get(LIST))} == {object_type}
    other = InformationEvent.objects.exclude(object_type=object_type).latest("number")
    assert client.get(page(MODEL, "change", other.pk)).status_code == 302
    exported = b"".join(client.get(f"{LIST}export/csv/").streaming_content).decode()
    assert str(other.event_id) not in exported
    assert object_type in exported


def test_without_a_flag_there_is_no_page(visit, history):
    client = visit("tokens.add_edit")
    assert client.get(LIST).status_code == 403
    assert client.get(f"{LIST}export/csv/").status_code == 403


def test_nothing_can_be_added_changed_or_deleted(admin, history):
    event = InformationEvent.objects.latest("number")
    assert admin.get(page(MODEL, "add")).status_code == 403
    assert admin.post(page(MODEL, "change", event.pk), {"message": "x"}).status_code == 403
    assert admin.post(page(MODEL, "delete", event.pk), {"post": "yes"}).status_code == 403
    selected = {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"}
    admin.post(page(MODEL, "changelist"), selected)
    assert InformationEvent.objects.count() == 6


def test_deleting_a_selection_leaves_an_event_each(admin, make):
    tokens = [make.token()[0] for _ in range(3)]
    selected = {"action": "delete_selected", "_selected_action": [token.pk for token in tokens], "post": "yes"}
    admin.post(page("tokens_apitoken", "changelist"), selected)
    assert InformationEvent.objects.filter(verb="deleted", user="root").count() == 3
