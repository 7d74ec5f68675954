"""The start page: counts, what needs attention and first steps, as far as each user may view them."""

from datetime import timedelta
from uuid import uuid4

import redis
from django.utils import timezone
from django.utils.html import escape

from access.policy import RUN
from automation.models import AutomationScript
from automation.versions import ScriptVersion
from definitions.models import ActionType, ApiDefinition
from fleet import overview
from objects.changes import bodies_read, health_changed, save_checked
from runs.models import FailingApi, Run, RunsNotKept
from runs.store import store_records
from testbed.publisher import ECHO
from tests.console.test_query_counts import publish, queries
from tests.runs.records import ended
from tokens.models import ApiToken

START = "/console/"
RUNS = "def run(engine):\n    pass\n"


def start(client):
    """What the page shows."""
    return client.get(START).context


def titles(client) -> list[str]:
    return [concern.title for concern in start(client)["concerns"]]


def test_nothing_yet_says_what_to_do_first(admin):
    page = start(admin)
    assert [step.title for step in page["steps"]] == [
        "Write a script",
        "Create a token",
        "Publish as API",
        "Try it",
    ]
    assert not any(step.is_done for step in page["steps"])
    assert page["concerns"] == []
    assert b"No changes yet" in admin.get(START).content


def test_what_is_done_is_ticked_and_the_steps_go_with_the_first_api(admin, make):
    make.script(ECHO)
    assert [step.is_done for step in start(admin)["steps"]] == [True, False, False, False]
    make()
    assert start(admin)["steps"] == []


def test_steps_are_for_who_may_take_them(visit):
    reader = visit("definitions.ui_available", "tokens.ui_available", "tokens.add_edit")
    assert [step.title for step in start(reader)["steps"]] == ["Create a token"]


def test_what_needs_attention_is_listed(admin, make):
    api = make()
    assert titles(admin) == []
    api.token.is_disabled = True
    save_checked(api.token, by="system")
    assert titles(admin) == ["Disabled tokens that APIs still allow"]
    api.definition.allowed_tokens.through.objects.filter(definition=api.definition).delete()
    assert titles(admin) == ["APIs nobody can call"]
    AutomationScript._base_manager.filter(pk=api.definition.script_id).update(has_api_trigger=False)
    assert titles(admin) == ["APIs that cannot answer", "APIs nobody can call"]
    concern = start(admin)["concerns"][0]
    assert concern.objects == [
        (api.definition.route, f"/console/definitions/apidefinition/{api.definition.pk}/change/")
    ]


def test_a_script_without_run_cannot_answer_its_api(admin, make):
    api = make(RUNS, action_type=ActionType.NO_ENTRY_POINT)
    assert titles(admin) == []
    AutomationScript._base_manager.filter(pk=api.definition.script_id).update(has_run=False)
    assert titles(admin) == ["APIs that cannot answer"]


def test_disabled_apis_need_attention_and_pinned_ones_are_counted(admin, make):
    api = make()
    definition = api.definition
    definition.script.source = ECHO + "# two\n"
    save_checked(definition.script, by="system")
    definition.script_version = 1
    definition.is_disabled = True
    save_checked(definition, by="system")
    assert titles(admin) == ["Disabled APIs"]
    cards = {card.title: card.note for card in start(admin)["cards"]}
    assert cards["Definitions"] == "by one author, 1 pinned to an older version"


def test_what_cannot_answer_is_told_from_the_version_that_runs(admin, make):
    definition = make().definition
    definition.script_version = 1
    save_checked(definition, by="system")
    AutomationScript._base_manager.filter(pk=definition.script_id).update(has_api_trigger=False)
    assert titles(admin) == []
    ScriptVersion._base_manager.filter(script=definition.script_id).update(has_api_trigger=False)
    assert titles(admin) == ["APIs that cannot answer"]


def test_a_token_never_used_is_named_after_a_day(admin, make):
    token, _ = make.token(name="idle")
    assert titles(admin) == []
    ApiToken._base_manager.filter(pk=token.pk).update(created_at=timezone.now() - timedelta(days=2))
    assert titles(admin) == ["Tokens never used"]
    ApiToken._base_manager.filter(pk=token.pk).update(last_used=timezone.now())
    assert titles(admin) == []


def test_only_what_the_user_may_view_is_counted_and_named(visit, make):
    api = make(route="secret/route")
    api.token.is_disabled = True
    save_checked(api.token, by="system")
    client = visit("automation.ui_available")
    page = start(client)
    assert [card.title for card in page["cards"]] == ["Scripts"]
    assert page["concerns"] == []
    assert {event.object_type for event in page["events"]} == {"AutomationScript"}
    assert b"secret/route" not in client.get(START).content
    without = start(visit("automation.execute"))
    assert (without["cards"], without["events"]) == ([], [])


def test_without_redis_the_page_says_so(admin, monkeypatch):
    def unreachable(**_):
        raise redis.ConnectionError

    monkeypatch.setattr(overview, "look", unreachable)
    cards = {card.title: card for card in start(admin)["cards"]}
    assert cards["Nodes"].tone == "bad"


def test_the_page_costs_the_same_with_many_objects(admin, make):
    publish(make, 3)
    few = queries(admin, START)
    publish(make, 15)
    assert queries(admin, START) == few


# --- Runs ---


def failing_api(make, route: str = "encoders/status", error_code: int | None = 8) -> tuple[ApiDefinition, Run]:
    definition = make(route=route).definition
    told = {"kind": "Trigger", "status": "Failed", "authority": 3, "definition_id": definition.pk}
    message = "KeyError: '<b>name</b>'\nTraceback (most recent call last): …"
    run = Run.objects.create(**told, error_code=error_code, response_code=503, message=message)
    since = timezone.now() - timedelta(minutes=3)
    FailingApi.objects.create(pk=definition.pk, since=since, failed=7, runs=9, last_run_id=run.pk)
    return definition, run


def test_apis_that_fail_are_named_with_their_last_error(admin, make):
    definition, run = failing_api(make)
    (concern,) = start(admin)["concerns"]
    (failure,) = concern.failures
    assert (concern.title, failure.route, failure.figures) == ("APIs that fail", definition.route, "7 of 9 runs")
    assert failure.error == "Error 8: KeyError: '<b>name</b>'"
    html = admin.get(START).content.decode()
    assert f'href="/console/runs/{run.pk}/"' in html
    assert f'href="/console/definitions/apidefinition/{definition.pk}/change/"' in html
    assert "7 of 9 runs failed within 5 minutes. Failing since" in html
    assert "KeyError: &#x27;&lt;b&gt;name" in html
    assert "No problems found" not in html


def test_a_failed_run_without_an_error_shows_its_code_and_one_that_is_gone_no_link(admin, make):
    definition, run = failing_api(make, error_code=None)
    assert start(admin)["concerns"][0].failures[0].error.startswith("Code 503: KeyError")
    run.delete()
    (failure,) = start(admin)["concerns"][0].failures
    assert (failure.route, failure.error, failure.run_page) == (definition.route, "", "")
    assert b"Show the run" not in admin.get(START).content


def test_only_some_of_many_failing_apis_are_listed(admin, make):
    for number in range(12):
        failing_api(make, f"failing/{number}")
    few = queries(admin, START)
    (concern,) = start(admin)["concerns"]
    assert (len(concern.failures), concern.more) == (10, 2)
    for number in range(12, 20):
        failing_api(make, f"failing/{number}")
    assert queries(admin, START) == few


def test_runs_that_were_not_kept_are_counted_for_a_day(admin):
    now = timezone.now()
    for minutes, records, extras in ((5, 3, 0), (20, 1_000, 2), (25 * 60, 7, 7)):
        RunsNotKept.objects.create(minute=now - timedelta(minutes=minutes), records=records, extras=extras)
    (concern,) = start(admin)["concerns"]
    assert concern.title == "Runs that were not kept"
    assert "24 hours: 1003 runs and the logs and bodies of 2 runs." in concern.meaning
    assert "manager.log" in concern.meaning
    RunsNotKept.objects.filter(minute__gt=now - timedelta(days=1)).delete()
    assert start(admin)["concerns"] == []


def test_failing_apis_are_only_for_those_who_may_see_runs(visit, make):
    failing_api(make, "secret/route")
    RunsNotKept.objects.create(minute=timezone.now(), records=3)
    others = visit("tokens.ui_available", "automation.ui_available", "runs.cancel")
    assert start(others)["concerns"] == []
    assert b"secret/route" not in others.get(START).content
    of_runs = visit("runs.ui_available")
    failure = start(of_runs)["concerns"][0].failures[0]
    assert (failure.route, failure.page) == ("secret/route", "")
    assert titles(of_runs) == ["APIs that fail", "Runs that were not kept"]


def test_events_of_failing_apis_are_shown_in_words(admin, make):
    definition = make(route="encoders/status").definition
    for verb, text in (("failing", "is failing: 7 of 9 runs in 5 minutes"), ("recovered", "has recovered")):
        health_changed.send(sender=ApiDefinition, instance=definition, verb=verb, text=text)
    html = admin.get(START).content.decode()
    assert "<strong>encoders/status</strong> is failing: 7 of 9 runs in 5 minutes" in html
    assert "<strong>encoders/status</strong> has recovered" in html
    listed = admin.get("/console/events/informationevent/?verb=failing").content.decode()
    assert '<span class="ud-tone bad">Failing</span>' in listed
    assert "has recovered" not in listed


def test_what_a_script_says_is_shown_with_its_name_and_nothing_added(admin, make):
    """The name and the text are those of authors."""
    script = make.script(name="a (b) says: <i>")
    text = "<b>3 of 4</b> are offline: version 5"
    store_records([ended(script_id=str(script.pk), script_version=1, said=[(0, text)])])
    page = admin.get(START).content.decode()
    assert f"<strong>{escape(script.name)}</strong> says: {escape(text)}\n" in page
    listed = admin.get("/console/events/informationevent/?verb=said").content.decode()
    assert '<span class="ud-tone info">Said</span>' in listed
    assert escape(f"AutomationScript '{script.name}' ({script.pk}) says: {text}") in listed


def test_a_script_that_says_much_hides_no_changes(admin, make):
    script = make.script(name="talkative")
    for text in ("line 1", "line 2"):
        store_records([ended(script_id=str(script.pk), script_version=1, said=[(0, text)] * 9)])
    shown = [event.message.rpartition(") ")[2] for event in start(admin)["events"]]
    assert [text for text in shown if text.startswith("says")] == ["says: line 2"]
    assert shown[1].startswith("was added by")


def test_look_at_bodies_is_shown_in_words(admin, make):
    route = make(route="it's").definition.route
    run_id = uuid4()
    bodies_read.send(sender=RUN, run_id=run_id, by="jane")
    page = admin.get(START).content.decode()
    assert f"Kept request and response of run <strong>{run_id}</strong> were read by jane" in page
    assert f"<strong>{escape(route)}</strong> was added" in page
    listed = admin.get("/console/events/informationevent/?verb=read").content.decode()
    assert f"Run {run_id} bodies were read by jane" in listed
