"""Objectives in the console: set in the form, shown with a meter and a sentence, and missed ones on the overview."""

from datetime import timedelta

from django.utils import timezone
from django.utils.html import strip_tags

from definitions.models import ApiDefinition
from fleet.records import RunStatus
from runs import store
from tests.console.conftest import page, submit
from tests.console.test_start import start
from tests.runs.records import ended, id_at

MODEL = "definitions_apidefinition"
LABELS = ("Objective: success rate", "Objective: 95 % answered within")


def rows(client, definition):
    """What the readable page says of objectives, as HTML and as text."""
    found = {
        str(label): value for label, value, *_ in client.get(page(MODEL, "settings", definition.pk)).context["rows"]
    }
    return [found[label] for label in LABELS], [strip_tags(found[label]).strip() for label in LABELS]


def aim(make, **objectives):
    """An API with objectives."""
    definition = make().definition
    ApiDefinition._base_manager.filter(pk=definition.pk).update(**objectives)
    return definition


def runs(definition, status, count, milliseconds=10):
    moment = timezone.now() - timedelta(hours=1)
    about = {"definition_id": str(definition.pk), "ended_at": int(moment.timestamp() * 1_000) + milliseconds}
    store.store_records([ended(status, id=id_at(moment), **about) for _ in range(count)])


def test_objectives_and_server_timing_are_set_shown_and_reset(admin, make):
    definition = make().definition
    change = page(MODEL, "change", definition.pk)
    assert rows(admin, definition)[1] == ["none", "none"]
    given = {"objective_success_rate": "99.95", "objective_p95_milliseconds": "250", "server_timing": "on"}
    assert submit(admin, change, **given).status_code == 302
    definition.refresh_from_db()
    assert (definition.objective_success_rate, definition.objective_p95_milliseconds) == (99.95, 250)
    assert definition.server_timing
    shown = ["99.95 % of the callsNo calls in the last 30 days.", "250 msNo calls in the last 30 days."]
    assert rows(admin, definition)[1] == shown
    assert submit(admin, change, objective_success_rate="", objective_p95_milliseconds="").status_code == 302
    definition.refresh_from_db()
    assert (definition.objective_success_rate, definition.objective_p95_milliseconds) == (None, None)


def test_a_meter_and_a_sentence_say_what_is_used_up(admin, make):
    definition = aim(make, objective_success_rate=90.0, objective_p95_milliseconds=100)
    runs(definition, RunStatus.SUCCEEDED, 36)
    runs(definition, RunStatus.FAILED, 3)
    runs(definition, RunStatus.SUCCEEDED, 1, milliseconds=5_000)
    (rate, p95), (said, slow) = rows(admin, definition)
    assert 'value="0.750"' in rate and 'value="0.500"' in p95
    assert "75 % of the failures that 90 % allows in 30 days are used up; at the pace of the last day" in said
    assert said.endswith("the rest lasts 0 days.")
    assert "95 % were answered within" in slow and "50 % of the answers that may be slower are used up." in slow
    runs(definition, RunStatus.FAILED, 5)
    said = rows(admin, definition)[1][0]
    assert "All the failures that 90 % allows in 30 days are used up: 82.222 % succeeded." in said


def test_missed_objectives_need_attention(admin, make):
    missed, kept = aim(make, objective_success_rate=90.0), aim(make, objective_success_rate=90.0)
    runs(missed, RunStatus.FAILED, 1)
    runs(kept, RunStatus.SUCCEEDED, 1)
    (concern,) = [each for each in start(admin)["concerns"] if each.title == "Missed objectives"]
    assert [(each.name, each.page) for each in concern.findings] == [(missed.route, page(MODEL, "view", missed.pk))]
    assert admin.get(concern.page).context["cl"].result_count == 1


def test_who_may_not_view_runs_sees_the_objectives_alone(visit, make):
    definition = aim(make, objective_success_rate=90.0)
    runs(definition, RunStatus.FAILED, 1)
    client = visit("definitions.ui_available")
    assert rows(client, definition)[1][0] == "90 % of the calls"
    assert not [each for each in start(client)["concerns"] if each.title == "Missed objectives"]
