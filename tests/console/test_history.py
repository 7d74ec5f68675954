"""The history of an object, and the pages for what is not there or not allowed."""

import pytest
from django.contrib.admin.models import LogEntry

from tests.console.conftest import page, submit


@pytest.fixture
def api(make):
    return make(route="encoders/{id}")


def test_history_stands_among_the_views_and_leads_to_the_events(admin, api):
    address = page("definitions_apidefinition", "history", api.definition.pk)
    empty = admin.get(address).content.decode()
    assert "Nothing has been done to it in the console" in empty
    submit(admin, page("definitions_apidefinition", "change", api.definition.pk), name="renamed")
    shown = admin.get(address).content.decode()
    assert str(LogEntry.objects.get()) not in empty
    assert "data-local-time" in shown
    assert f'href="{address}" aria-current="page"' in shown
    assert ">Edit</a>" in shown
    events = f"/console/events/informationevent/?q={api.definition.pk}"
    assert events in shown
    assert admin.get(events).context["cl"].result_count == 2


def test_who_may_not_change_finds_no_way_to_it_there(visit, api):
    client = visit("definitions.ui_available")
    shown = client.get(page("definitions_apidefinition", "history", api.definition.pk)).content.decode()
    assert ">History</a>" in shown
    assert ">Edit</a>" not in shown


def test_a_delete_is_asked_with_the_route(admin, make):
    api = make(route="encoders/{id}", name="x")
    api.definition.name = "Encoder"
    api.definition.save()
    asked = admin.get(page("definitions_apidefinition", "delete", api.definition.pk)).content.decode()
    assert "Encoder (encoders/{id})" in asked


@pytest.mark.parametrize(("address", "status"), [("nothing/", 404), ("auth/user/", 403)])
def test_what_is_not_there_or_not_allowed_is_a_page_of_the_console(visit, address, status):
    answer = visit("tokens.ui_available").get(f"/console/{address}")
    assert answer.status_code == status
    assert 'class="ud-button" href="/console/"' in answer.content.decode()
