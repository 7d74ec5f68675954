"""Pinning an API to a version of its script: form, list, readable page, trigger page."""

import pytest
from django.urls import reverse

from automation.models import AutomationScript
from automation.versions import ScriptVersion
from definitions.changes import save_definition
from definitions.models import ActionType, ApiDefinition
from objects.changes import save_checked
from testbed.publisher import ECHO
from tests.console.conftest import FLAGS, errors, page, submit

MODEL = "definitions_apidefinition"
RUN = "def run(engine):\n    pass\n"


def pinned(api) -> tuple[str, int | None]:
    """The script's name and the version of the stored definition."""
    stored = ApiDefinition.objects.select_related("script").get(pk=api.definition.pk)
    assert stored.script is not None
    return stored.script.name, stored.script_version


def edited(script: AutomationScript, source: str, note: str = "", **fields) -> AutomationScript:
    """The script after a save, which makes a version."""
    script = AutomationScript.objects.get(pk=script.pk)
    for name, value in {"source": source, "version_note": note, **fields}.items():
        setattr(script, name, value)
    return save_checked(script, by="jane")


@pytest.fixture
def api(make):
    """An API whose script `first` has two versions."""
    made = make(name="first")
    edited(made.definition.script, ECHO + "# two\n", "the second")
    return made


def change(client, api, **values):
    return submit(client, page(MODEL, "change", api.definition.pk), **values)


def test_an_api_is_pinned_and_follows_its_script_again(admin, api):
    assert change(admin, api, script_version="1").status_code == 302
    assert pinned(api) == ("first", 1)
    assert change(admin, api, name="still pinned").status_code == 302
    assert pinned(api) == ("first", 1)
    assert change(admin, api, script_version="").status_code == 302
    assert pinned(api) == ("first", None)


def test_another_script_unpins_unless_its_own_version_was_chosen(admin, api, make):
    other = make.script(name="second")
    change(admin, api, script_version="1")
    change(admin, api, script=other.pk)
    assert pinned(api) == ("second", None)
    # The list of versions says to which script the number belongs, even if it is the same number.
    change(admin, api, script_version="1")
    first = AutomationScript.objects.get(name="first").pk
    change(admin, api, script=first, version_of=first)
    assert pinned(api) == ("first", 1)
    change(admin, api, script=other.pk, version_of=first)
    assert pinned(api) == ("second", None)


@pytest.mark.parametrize("number", ["9", "0", "4294967296"])
def test_a_version_that_does_not_exist_is_refused(admin, api, number):
    assert errors(change(admin, api, script_version=number))
    assert pinned(api) == ("first", None)


def test_a_version_needs_the_entry_point(admin, api):
    edited(api.definition.script, RUN)
    refused = change(admin, api, script_version="1", action_type=ActionType.NO_ENTRY_POINT)
    assert "no function run" in str(errors(refused))
    assert change(admin, api, script_version="3", action_type=ActionType.NO_ENTRY_POINT).status_code == 302


def test_users_who_may_not_view_scripts_pin_by_number(visit, api, make):
    client = visit(*FLAGS - {"automation.ui_available"})
    shown = client.get(page(MODEL, "change", api.definition.pk)).content.decode()
    assert 'type="number" name="script_version"' in shown
    assert "data-version-picker" not in shown
    assert change(client, api, script="first", script_version="2").status_code == 302
    assert pinned(api) == ("first", 2)
    make.script(name="second")
    change(client, api, script="second", script_version="2")
    assert pinned(api) == ("second", None)


def test_without_javascript_the_version_is_a_number_field(admin, api):
    shown = admin.get(page(MODEL, "change", api.definition.pk)).content.decode()
    assert 'type="number" name="script_version"' in shown
    assert "data-version-picker" in shown


def test_the_newest_versions_and_the_pinned_one_are_offered(admin, api):
    script = api.definition.script
    second = ScriptVersion.objects.get(script=script, number=2)
    copied = {
        field.attname: getattr(second, field.attname)
        for field in ScriptVersion._meta.concrete_fields
        if field.attname not in ("id", "number")
    }
    ScriptVersion._base_manager.bulk_create(ScriptVersion(number=number, **copied) for number in range(3, 113))
    address = f"{page(MODEL, 'changelist')}show-versions/"
    shown = admin.get(address, {"script": script.pk, "pinned": "2"}).content.decode()
    assert shown.count("<option") == 102
    assert "Current (version 2)" in shown
    assert '<option value="112"' in shown
    assert '<option value="12"' not in shown
    assert '<option value="2" data-entry-points="on_api_trigger" selected>2 · 20' in shown
    assert "UTC · jane · the second</option>" in shown
    for rubbish in ("", "x", "9" * 30, "²"):
        assert admin.get(address, {"script": script.pk, "pinned": rubbish}).content.decode().count("<option") == 101
    assert admin.get(address, {"script": "rubbish"}).content.decode().count("<option") == 1


def test_pinned_apis_are_told_apart(admin, api, make):
    current = make(name="other").definition
    change(admin, api, script_version="1")
    listed = admin.get(page(MODEL, "changelist")).content.decode()
    assert listed.count('class="ud-pin" title="Pinned to version 1">@ 1</span>') == 1
    for value, route in (("pinned", api.definition.route), ("current", current.route)):
        rows = admin.get(page(MODEL, "changelist"), {"version": value}).context["cl"].result_list
        assert [row.route for row in rows] == [route]
    read = admin.get(page(MODEL, "view", api.definition.pk)).content.decode()
    assert ">@ 1</span>" in read
    version = reverse("admin:automation_automationscript_version", args=[api.definition.script_id, 1])
    assert f'href="{version}">Pinned to version 1</a>' in read
    assert "Current (version 1)" in admin.get(page(MODEL, "view", current.pk)).content.decode()


def test_curl_and_trigger_page_know_the_parameters_of_the_pinned_version(admin, make):
    api = make(RUN, action_type=ActionType.NO_ENTRY_POINT, parameters=["old"])
    edited(api.definition.script, RUN + "# two\n", parameters=["new"])
    offered = "/console/trigger/definitions/"
    assert admin.get(offered).json()["definitions"][0]["parameters"] == ["new"]
    api.definition.refresh_from_db()
    api.definition.script_version = 1
    save_definition(api.definition, by="system")
    pinned = admin.get(offered).json()["definitions"][0]
    assert (pinned["parameters"], pinned["pinnedTo"]) == (["old"], 1)
    assert "{&quot;old&quot;: &quot;&quot;}" in admin.get(page(MODEL, "changelist")).content.decode()


def test_a_disabled_api_says_so_where_it_is_called(admin, api):
    copied = "as curl (disabled: error 2009)"
    assert copied not in admin.get(page(MODEL, "changelist")).content.decode()
    assert change(admin, api, is_disabled="on").status_code == 302
    assert copied in admin.get(page(MODEL, "changelist")).content.decode()
    assert admin.get("/console/trigger/definitions/").json()["definitions"][0]["isDisabled"] is True
    assert "error 2009" in admin.get("/console/trigger/").content.decode()


def test_libraries_are_not_offered_for_apis(admin, make):
    make.script("def helped(): pass\n", name="tools", kind="Library")
    assert "tools" not in admin.get(f"{page(MODEL, 'changelist')}pick-script/").content.decode()
