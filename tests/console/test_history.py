"""The history of an object, and the 404 and 403 pages."""

import re

import pytest
from django.contrib.auth.models import User

from console import changes_page
from definitions.changes import save_definition
from definitions.models import ApiDefinition
from events.models import InformationEvent
from objects.changes import save_checked
from tests.console.conftest import page, submit


@pytest.fixture
def api(make):
    return make(route="encoders/{id}")


def test_changes_by_any_interface_stand_newest_first(admin, api, monkeypatch):
    definition = api.definition
    address = page("definitions_apidefinition", "history", definition.pk)
    assert "Added" in admin.get(address).content.decode()
    submit(admin, page("definitions_apidefinition", "change", definition.pk), name="renamed")
    fresh = ApiDefinition.objects.get(pk=definition.pk)
    fresh.is_disabled = True
    save_definition(fresh, "program")
    shown = admin.get(address).content.decode()
    assert f'href="{address}" aria-current="page"' in shown
    newest, second, oldest = re.findall(r"<tr data-key=.*?</tr>", shown, re.DOTALL)
    assert ("program" in newest, "Enabled" in newest, "Disabled" in newest) == (True, True, True)
    assert "<ins>renamed</ins>" in second
    assert "Added" in oldest
    assert f"/console/events/informationevent/?object={definition.pk}" in shown
    monkeypatch.setattr(changes_page, "PER_PAGE", 2)
    assert admin.get(address, {"p": 2}).content.decode().count("<tr data-key=") == 1


def test_form_that_changes_nothing_says_so(admin, api):
    before = ApiDefinition.objects.get()
    answer = submit(admin, page("definitions_apidefinition", "change", before.pk))
    assert answer.status_code == 302
    assert "Nothing has changed." in admin.get(answer["Location"]).content.decode()
    after = ApiDefinition.objects.get()
    assert (after.revision, after.last_modified) == (before.revision, before.last_modified)
    assert InformationEvent.objects.filter(object_id=after.pk).count() == 1


def test_version_of_a_script_leads_to_its_difference(admin, api):
    script = api.definition.script
    script.source += "# more\n"
    save_checked(script, "john")
    shown = admin.get(page("automation_automationscript", "history", script.pk)).content.decode()
    assert f"{page('automation_automationscript', 'difference', script.pk)}?old=1&amp;new=2" in shown


def test_users_have_their_changes_for_superusers(admin):
    user = User.objects.create_user("joe", password="an old password of mine")
    user.set_password("a new password of mine")
    user.first_name = "Joe"
    user.save()
    shown = admin.get(page("auth_user", "history", user.pk)).content.decode()
    assert "<ins>Joe</ins>" in shown
    assert "replaced" in shown
    assert user.password not in shown


def test_viewers_find_no_edit_tab_in_the_history(visit, api):
    client = visit("definitions.ui_available")
    shown = client.get(page("definitions_apidefinition", "history", api.definition.pk)).content.decode()
    assert (
        visit("tokens.ui_available").get(page("definitions_apidefinition", "history", api.definition.pk)).status_code
        == 403
    )
    assert ">Changes</a>" in shown
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
        (["tokens.ui_available"], "auth/user/", "This page needs a superuser."),
    ],
)
def test_a_refused_page_names_the_flags_that_it_needs(visit, flags, address, text):
    answer = visit(*flags).get(f"/console/{address}")
    assert answer.status_code == 403
    assert text in answer.content.decode()
