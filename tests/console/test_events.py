"""The page of information events."""

import json

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from definitions.changes import save_definition
from definitions.models import ApiDefinition
from events.models import InformationEvent
from objects.changes import delete_checked
from runs.bodies import bodies_of
from testbed.changed import change
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
    make(route="encoders/status")
    token, _ = make.token(name="gone")
    change(token, "john")
    delete_checked(token, "root")


def test_the_list_shows_what_happened_newest_first(admin, history):
    response = admin.get(page(MODEL, "changelist"))
    assert [event.verb for event in listed(response)] == ["deleted", "updated", "added", "added", "added", "added"]
    shown = response.content.decode()
    assert "Rate limit" in shown
    assert "was updated by" not in shown


def test_looks_at_what_runs_keep_are_listed_here_and_on_the_overview(admin, make):
    run = add_run_with_bodies()
    bodies_of(run, "john")
    response = admin.get(page(MODEL, "changelist"), {"verb__exact": "read", "object_type": "Run"})
    assert [event.object_id for event in listed(response)] == [run.pk]
    assert f'href="/console/runs/{run.pk}/"' in response.content.decode()
    overview = admin.get("/console/").content.decode()
    assert "john read the kept request and response of" in overview
    assert f'href="/console/runs/{run.pk}/"' in overview


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
        ({"user": "doe"}, 1),
        ({"object": "gone"}, 3),
        ({"object": "encoders/"}, 1),
        ({"range": "1h"}, 6),
        ({"from": "2000-01-01"}, 6),
        ({"to": "2000-01-01T12:00Z"}, 0),
        ({"from": "2000-01-01", "to": "2999-12-31"}, 6),
        ({"from": "rubbish"}, 6),
    ],
)
def test_filters_hold_for_the_list_and_for_the_exports(admin, history, query, count):
    assert len(listed(admin.get(page(MODEL, "changelist"), query))) == count
    exported = b"".join(admin.get("/console/events/informationevent/export/jsonl/", query).streaming_content)
    assert len([json.loads(line) for line in exported.splitlines()]) == count
    assert b"export/csv/?" in admin.get(page(MODEL, "changelist"), query).content


def test_objects_are_links_for_those_who_may_view_them(admin, visit, make):
    api, (other, _) = make(route="a/b"), make.token(name="other <b>")
    definition = ApiDefinition.objects.get(pk=api.definition.pk)
    save_definition(definition, "john", [other])
    shown = admin.get(LIST, {"verb": "updated"}).content.decode()
    name = f'<a class="ud-name-link" href="{page("definitions_apidefinition", "view", definition.pk)}">a/b</a>'
    assert name in shown
    assert f'href="{page("tokens_apitoken", "view", other.pk)}">other &lt;b&gt;</a>' in shown
    limited = visit("definitions.ui_available").get(LIST, {"verb": "updated"}).content.decode()
    assert name in limited
    assert "other &lt;b&gt;" not in limited
    assert str(other.pk)[:8] in limited


def test_deleted_object_is_named_without_a_link(admin, history):
    shown = admin.get(LIST, {"object_type": "ApiToken", "object": "gone"}).content.decode()
    assert "<span>gone</span>" in shown
    gone = InformationEvent.objects.latest("number").object_id
    assert page("tokens_apitoken", "view", gone) not in shown


def test_queries_do_not_grow_with_events(admin, make, django_assert_max_num_queries):
    api = make()
    with CaptureQueriesContext(connection) as few:
        admin.get(LIST)
    for _ in range(12):
        change(api.definition)
        save_definition(api.definition, "john", [api.token, make.token()[0]])
    with django_assert_max_num_queries(len(few) + 1):
        admin.get(LIST)


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
