"""The overview: its parts as far as each user may view them, and the first steps."""

from datetime import timedelta

from django.contrib.auth.models import User

from hosts.jobs import RunKind
from tests.console.conftest import page
from tests.console.test_query_counts import publish, queries
from tests.runs.statistics.stored import store_calls

START = "/console/"
DISMISS = "/console/first-steps/dismiss/"
PUBLISHER = (
    "definitions.ui_available",
    "definitions.add_edit",
    "automation.ui_available",
    "automation.add_edit",
    "automation.execute",
)


def start(client):
    """What the page shows."""
    return client.get(START).context


def steps(client):
    """Title and state of each first step; None if there are none."""
    first = start(client)["first"]
    return first and [(step.title, step.is_done) for step in first.steps]


def own(api, client):
    """The same API, created by the user of the client."""
    name = User.objects.get(pk=client.session["_auth_user_id"]).username
    for each in (api.definition, api.definition.script):
        type(each)._base_manager.filter(pk=each.pk).update(created_by=name)
    return api.definition


def test_the_page_has_its_parts_and_no_counts_of_objects(admin, make):
    make()
    html = admin.get(START).content.decode()
    places = [html.index(f'id="{name}"') for name in ("statistics", "start-concerns", "running-now", "start-events")]
    assert places == sorted(places)
    assert "by one author" not in html


def test_what_runs_now_is_renewed_from_an_address_of_its_own(stack, admin, visit):
    html = admin.get(START).content.decode()
    assert 'id="running-now" data-from="/console/running-now/?page=index"' in html
    part = admin.get("/console/running-now/?page=nothing").content.decode()
    assert "Nothing runs right now" in part
    assert "<html" not in part
    assert queries(admin, "/console/running-now/") < 10
    assert visit("definitions.ui_available").get("/console/running-now/").status_code == 403


def test_only_what_the_user_may_view_is_shown(visit, make):
    make(route="secret/route")
    client = visit("automation.ui_available")
    shown = start(client)
    assert (shown["statistics"], shown["now"], shown["health"], shown["first"]) == (None, None, None, None)
    assert {line.event.object_type for line in shown["changes"]} == {"AutomationScript"}
    assert b"secret/route" not in client.get(START).content
    without = visit("automation.execute")
    assert start(without)["changes"] == []
    assert b"All events" not in without.get(START).content


def test_the_page_costs_the_same_with_many_objects(admin, make):
    publish(make, 3)
    few = queries(admin, START)
    publish(make, 15)
    assert queries(admin, START) == few


# --- First steps ---


def test_nothing_yet_says_what_to_do_first(admin):
    assert steps(admin) == [("Write a script", False), ("Publish it as API", False), ("Try it", False)]
    html = admin.get(START).content.decode()
    assert 'class="ud-button is-primary" href="/console/automation/automationscript/add/?template=echo"' in html
    assert html.count("ud-button is-primary") == 1 + html.count(">Show</button>"), "one step is next"
    assert "0 of 3 steps done" in html
    assert "No changes yet" in html
    form = admin.get("/console/automation/automationscript/add/?template=echo").content.decode()
    assert "def on_api_trigger" in form, "there is such a template"


def test_each_step_leads_to_the_next(visit, make):
    client = visit(*PUBLISHER)
    api = make()
    assert start(client)["first"].is_brief, "others have APIs"
    own(api, client)
    type(api.definition)._base_manager.filter(pk=api.definition.pk).update(created_by="somebody")
    first = start(client)["first"]
    assert [step.is_done for step in first.steps] == [True, False, False]
    assert first.next.page == f"/console/definitions/apidefinition/add/?script={api.definition.script_id}"
    own(api, client)
    first = start(client)["first"]
    assert [step.is_done for step in first.steps] == [True, True, False]
    assert str(api.definition.pk) in first.next.page
    assert not first.is_brief


def test_the_steps_stay_until_an_api_of_the_user_has_answered(visit, make):
    client = visit(*PUBLISHER)
    of_others, definition = make().definition, own(make(), client)
    store_calls(of_others, succeeded=2)
    store_calls(definition, failed=3)
    store_calls(definition, kind=RunKind.SUBSCRIPT, succeeded=1)
    assert steps(client) is not None
    store_calls(definition, timedelta(hours=2), kind=RunKind.TRIAL, succeeded=1)
    assert steps(client) is None


def test_the_steps_are_for_who_may_take_them(visit):
    assert steps(visit("definitions.ui_available", "tokens.ui_available", "tokens.add_edit")) is None
    publisher = visit("definitions.ui_available", "definitions.add_edit", "automation.execute")
    assert steps(publisher) == [("Publish it as API", False), ("Try it", False)]


def test_the_steps_can_be_dismissed_by_each_user(admin, visit):
    answer = admin.post(DISMISS)
    assert (answer.status_code, answer["Location"]) == (302, START)
    assert answer.cookies["console_first_steps"]["httponly"]
    assert steps(admin) is None
    assert admin.get(DISMISS).status_code == 405
    other = visit(*PUBLISHER)
    other.cookies["console_first_steps"] = admin.cookies["console_first_steps"].value
    assert steps(other) is not None


def test_the_form_takes_the_script_of_the_steps(visit, make):
    client = visit(*PUBLISHER)
    script = make.script()
    form = client.get(f"{page('definitions_apidefinition', 'add')}?script={script.pk}").context["adminform"].form
    assert str(form["script"].value()) == str(script.pk)
