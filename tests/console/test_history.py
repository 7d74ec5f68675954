"""The history of an object, and the 404 and 403 pages."""

import pytest
from django.contrib.admin.models import LogEntry

from tests.console.conftest import page, submit


@pytest.fixture
def api(make):
    return make(route="encoders/{id}")


def test_history_stands_among_the_views_and_leads_to_the_events(admin, api):
    address = page("definitions_apidefinition", "history", api.definition.pk)
    empty = admin.get(address).content.decode()
    assert "No changes in the console yet" in empty
    submit(admin, page("definitions_apidefinition", "change", api.definition.pk), name="renamed")
    shown = admin.get(address).content.decode()
    assert str(LogEntry.objects.get()) not in empty
    assert "data-local-time" in shown
    assert f'href="{address}" aria-current="page"' in shown
    assert ">Edit</a>" in shown
    events = f"/console/events/informationevent/?q={api.definition.pk}"
    assert events in shown
    assert admin.get(events).context["cl"].result_count == 2


def test_viewers_find_no_edit_tab_in_the_history(visit, api):
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
def test_404_and_403_are_pages_of_the_console(visit, address, status):
    answer = visit("tokens.ui_available").get(f"/console/{address}")
    assert answer.status_code == status
    assert 'class="ud-button" href="/console/"' in answer.content.decode()


@pytest.mark.parametrize(
    ("flags", "address", "text"),
    [
        (["tokens.ui_available"], "trigger/", "User-defined APIs &gt; Definitions &gt; UI available"),
        (
            ["definitions.ui_available"],
            "tokens/apitoken/",
            "This page needs User-defined APIs &gt; Tokens &gt; UI avail",
        ),
        (
            ["definitions.ui_available", "definitions.add_edit"],
            "definitions/apidefinition/add/",
            "Automation &gt; Execute and User-defined APIs &gt; Definitions &gt; Add/Edit.",
        ),
        (["tokens.ui_available"], "auth/user/", "Ask an administrator for access."),
    ],
)
def test_a_refused_page_names_the_flags_that_it_needs(visit, flags, address, text):
    answer = visit(*flags).get(f"/console/{address}")
    assert answer.status_code == 403
    assert text in answer.content.decode()
