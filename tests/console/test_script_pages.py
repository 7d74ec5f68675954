"""The pages of a script: its head, what a save would do to APIs, its dependencies, uses, credentials and runs."""

import json

import pytest

from definitions.changes import save_definition
from definitions.models import ActionType
from fleet.records import RunStatus
from testbed.publisher import ECHO
from testbed.run_rows import add_run
from tests.console.conftest import FLAGS, filled_in, page, submit
from tests.console.test_query_counts import queries

SCRIPT = "automation_automationscript"
CHECK = "/console/automation/automationscript/check/"
ONLY_RUN = "def run(engine):\n    pass\n"


@pytest.fixture
def api(make):
    return make(route="the/route", name="Watched")


def kinds(response) -> list[str]:
    return [one.tab.kind for one in response.context["head"].tabs]


def forecast(client, script, source, **typed):
    answer = client.post(CHECK, {"source": source, "script": str(script.pk), "kind": script.kind, **typed})
    assert answer.status_code == 200
    return answer.json()


def test_a_save_that_would_break_apis_is_told_while_typing(admin, visit, make, api):
    script = api.definition.script
    told = forecast(admin, script, ONLY_RUN)
    assert told["problems"] == []
    ((consequence,), reach) = told["consequences"], told["reach"]
    assert "no longer has on_api_trigger" in consequence["message"]
    assert consequence["count"] == 1
    assert [each["route"] for each in consequence["apis"]] == ["the/route"]
    assert reach == ["Used by 1 API, live at once."]
    # Who may not view APIs learns of it without their number and names.
    blind = forecast(visit(*FLAGS - {"definitions.ui_available"}), script, ONLY_RUN)
    assert (blind["consequences"][0]["count"], blind["consequences"][0]["apis"]) == (None, [])
    assert "the/route" not in json.dumps(blind)
    assert blind["reach"] == ["Used by APIs, live at once."]
    # What cannot be saved does nothing; nor does a new script, an unchanged source or a pinned API.
    assert forecast(admin, script, "def run(:\n")["consequences"] == []
    assert forecast(admin, script, script.source)["consequences"] == []
    for unknown in ("", "nonsense", str(api.token.pk)):
        assert admin.post(CHECK, {"source": ONLY_RUN, "script": unknown}).json()["reach"] == []
    api.definition.script_version = 1
    save_definition(api.definition, by="somebody")
    told = forecast(admin, script, ONLY_RUN)
    assert told["consequences"] == []
    assert told["reach"] == ["1 pinned API keeps its version."]


def test_parameters_typed_in_the_settings_count_for_the_forecast(admin, make):
    api = make(ONLY_RUN, route="runs", action_type=ActionType.NO_ENTRY_POINT)
    told = forecast(admin, api.definition.script, ONLY_RUN, parameters="host\r\n")
    assert "must now send the parameter host" in told["consequences"][0]["message"]


def test_tabs_depend_on_kind_and_rights(admin, visit, make, api):
    script, library = api.definition.script, make.script("VALUE = 1\n", "tools", kind="Library")
    shown = admin.get(page(SCRIPT, "change", script.pk))
    assert kinds(shown) == ["change", "versions", "dependencies", "uses", "credentials", "runs", "settings"]
    of_library = admin.get(page(SCRIPT, "change", library.pk))
    assert kinds(of_library) == ["change", "versions", "dependencies", "uses", "settings"]
    counts = {one.tab.kind: one.tab.count for one in shown.context["head"].tabs}
    assert (counts["versions"], counts["uses"], counts["credentials"]) == (1, 1, 0)
    reader = visit("automation.ui_available")
    read = reader.get(page(SCRIPT, "view", script.pk))
    assert kinds(read) == ["view", "versions", "dependencies", "uses", "settings"]
    for kind in ("credentials", "runs"):
        assert reader.get(page(SCRIPT, kind, script.pk)).status_code == 403
        assert admin.get(page(SCRIPT, kind, library.pk)).status_code == 404
    for kind in ("dependencies", "uses", "credentials", "runs"):
        assert visit("tokens.ui_available").get(page(SCRIPT, kind, script.pk)).status_code == 403
        assert admin.get(page(SCRIPT, kind, api.token.pk)).status_code == 404


def test_the_first_action_is_publishing_until_an_api_runs_it(admin, visit, make, api):
    unused = make.script()
    for script, primary in ((unused, "Publish as API"), (api.definition.script, "Run")):
        head = admin.get(page(SCRIPT, "change", script.pk)).context["head"]
        assert [action.title for action in head.buttons] == [primary]
        assert [action.title for action in head.menu][-3:] == ["Changes", "JSON", "Delete…"]
    without = visit("automation.ui_available").get(page(SCRIPT, "view", unused.pk)).context["head"]
    assert [action.title for action in without.actions] == ["Changes", "JSON"]


def test_editors_are_led_to_the_editor_and_readers_read(admin, visit, make):
    script = make.script()
    answer = admin.get(page(SCRIPT, "view", script.pk), {"tab": "settings"})
    assert answer.url == f"{page(SCRIPT, 'change', script.pk)}?tab=settings"
    reader = visit("automation.ui_available")
    for kind in ("view", "change"):
        content = reader.get(page(SCRIPT, kind, script.pk)).content.decode()
        assert "Changing it needs Automation > Add/Edit." in content
        assert 'name="_save"' not in content


def test_settings_are_a_part_of_the_form_and_come_back_after_a_save(admin, make):
    script = make.script()
    address = f"{page(SCRIPT, 'change', script.pk)}?tab=settings"
    assert admin.get(address).context["part"] == "settings"
    saved = submit(admin, address, description="new")
    assert saved.url.endswith("?tab=settings")
    # A part with errors is shown, whichever the user has saved from.
    sent = filled_in(admin.get(address), source="def run(:\n")
    assert admin.post(address, sent).context["part"] == "code"
    sent = filled_in(admin.get(address), timeout_seconds="0")
    assert admin.post(page(SCRIPT, "change", script.pk), sent).context["part"] == "settings"


def test_uses_names_apis_and_calling_scripts(admin, visit, make, api):
    script = api.definition.script
    script.source = ECHO + ONLY_RUN
    script.has_run = True
    script.save()
    make.script(f'def run(engine):\n    engine.run_subscript("{script.name}")\n', name="calls it")
    make.script('def run(engine):\n    engine.run_subscript("another")\n', name="calls another")
    content = admin.get(page(SCRIPT, "uses", script.pk)).content.decode()
    assert "the/route" in content
    assert "calls it" in content
    assert "calls another" not in content
    blind = visit(*FLAGS - {"definitions.ui_available"}).get(page(SCRIPT, "uses", script.pk)).content.decode()
    assert "the/route" not in blind
    assert str(api.definition.pk) in blind
    few = queries(admin, page(SCRIPT, "uses", script.pk))
    for _ in range(9):
        other = make()
        other.definition.script = script
        other.definition.save()
    assert queries(admin, page(SCRIPT, "uses", script.pk)) == few


def test_runs_are_listed_below_their_charts(admin, api):
    script = api.definition.script
    address = page(SCRIPT, "runs", script.pk)
    assert "No runs in this time" in admin.get(address).content.decode()
    run = add_run(60, script_id=script.pk, script_name=script.name, status=RunStatus.FAILED)
    assert str(run.pk) in admin.get(address).content.decode()
    moved = admin.get(page(SCRIPT, "usage", script.pk), {"range": "7d"})
    assert moved.url == f"{address}?range=7d"
