"""Needs attention: what is named, how severe it is, and that each number leads to its rows."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.utils import timezone

from automation.credential_keys import fingerprints
from automation.models import AutomationScript, Credential, WorkerNode
from automation.versions import ScriptVersion
from broker.client import client as broker
from definitions.models import ActionType, ApiDefinition
from fleet import departures, heartbeat, overview, redis_keys
from fleet.heartbeat import NodeState
from foundation.times import now_milliseconds
from health import components
from health.states import ComponentState, HealthStatus
from objects.changes import save_checked
from runs.models import FailingApi, Run, RunsNotKept
from runs.statistics.models import NodeSample
from testbed.publisher import ECHO
from tests.console.conftest import page
from tests.console.test_query_counts import publish, queries
from tests.console.test_start import start
from tokens.models import ApiToken

START = "/console/"
RUNS = "def run(engine):\n    pass\n"


def found(client, title: str):
    """The concern of this title."""
    return next(concern for concern in start(client)["concerns"] if concern.title == title)


def titles(client) -> list[str]:
    return [concern.title for concern in start(client)["concerns"] if not concern.key.startswith("health-")]


def rows(client, concern) -> int:
    """How many rows the list has that the number leads to."""
    answer = client.get(concern.page)
    assert answer.status_code == 200, concern.page
    return int(answer.context["cl"].result_count)


@pytest.fixture(autouse=True)
def no_nodes_before(db):
    """Nobody has seen the fleet; the background program of a stack may have looked before."""
    NodeSample.objects.all().delete()


def test_objects_of_no_use_are_listed_and_each_number_leads_to_its_rows(admin, make):
    api, other = make(), make()
    assert titles(admin) == []
    api.token.is_disabled = True
    save_checked(api.token, by="system")
    assert titles(admin) == ["Disabled tokens that APIs still allow"]
    assert rows(admin, found(admin, "Disabled tokens that APIs still allow")) == 1
    api.definition.allowed_tokens.through.objects.filter(definition=api.definition).delete()
    assert titles(admin) == ["APIs nobody can call"]
    assert rows(admin, found(admin, "APIs nobody can call")) == 1
    AutomationScript._base_manager.filter(pk=api.definition.script_id).update(has_api_trigger=False)
    assert titles(admin) == ["APIs that cannot answer", "APIs nobody can call"], "the worst first"
    concern = found(admin, "APIs that cannot answer")
    assert [(each.name, each.page) for each in concern.findings] == [
        (api.definition.route, page("definitions_apidefinition", "view", api.definition.pk))
    ]
    assert rows(admin, concern) == concern.count == 1
    other.definition.is_disabled = True
    save_checked(other.definition, by="system")
    assert rows(admin, found(admin, "Disabled APIs")) == 1
    html = admin.get(START).content.decode()
    assert 'aria-label="Disabled APIs: 1"' in html
    assert "No problems found" not in html


def test_of_many_objects_the_first_few_are_named(admin, make):
    publish(make, 8)
    ApiDefinition._base_manager.update(is_disabled=True)
    concern = found(admin, "Disabled APIs")
    assert (concern.count, len(concern.findings), concern.more) == (8, 5, 3)
    assert rows(admin, concern) == 8
    assert "and 3 more" in admin.get(START).content.decode()


def test_what_cannot_answer_is_told_from_entry_point_and_version(admin, make):
    api = make(RUNS, action_type=ActionType.NO_ENTRY_POINT)
    assert titles(admin) == []
    AutomationScript._base_manager.filter(pk=api.definition.script_id).update(has_run=False)
    assert titles(admin) == ["APIs that cannot answer"]
    pinned = make().definition
    pinned.script.source = ECHO + "# two\n"
    save_checked(pinned.script, by="system")
    pinned.script_version = 1
    save_checked(pinned, by="system")
    AutomationScript._base_manager.filter(pk=pinned.script_id).update(has_api_trigger=False)
    assert found(admin, "APIs that cannot answer").count == 1
    ScriptVersion._base_manager.filter(script=pinned.script_id).update(has_api_trigger=False)
    assert found(admin, "APIs that cannot answer").count == rows(admin, found(admin, "APIs that cannot answer")) == 2


def test_a_token_never_used_is_named_after_a_day(admin, make):
    token, _ = make.token(name="idle")
    make.token(name="new")
    assert titles(admin) == []
    ApiToken._base_manager.filter(pk=token.pk).update(created_at=timezone.now() - timedelta(days=2))
    assert [each.name for each in found(admin, "Tokens never used").findings] == ["idle"]
    assert rows(admin, found(admin, "Tokens never used")) == 1
    ApiToken._base_manager.filter(pk=token.pk).update(last_used=timezone.now())
    assert titles(admin) == []


def test_credentials_that_no_key_opens_are_named(admin):
    credential = Credential(name="smtp")
    credential.set_value("secret")
    save_checked(credential, by="system")
    assert titles(admin) == []
    lost = next(each for each in ("0" * 8, "1" * 8) if each not in fingerprints())
    Credential._base_manager.filter(pk=credential.pk).update(key_fingerprint=lost)
    concern = found(admin, "Credentials that no active key opens")
    assert (concern.tone, concern.count, rows(admin, concern)) == ("bad", 1, 1)


def test_only_what_the_user_may_view_is_named(visit, make):
    api = make(route="secret/route")
    api.token.is_disabled = True
    save_checked(api.token, by="system")
    assert start(visit("automation.ui_available"))["concerns"] == []
    assert titles(visit("definitions.ui_available")) == []
    assert titles(visit("tokens.ui_available")) == ["Disabled tokens that APIs still allow"]


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
    concern = found(admin, "APIs that fail")
    (failure,) = concern.findings
    assert (failure.name, failure.text, failure.error) == (
        definition.route,
        "7 of 9 runs",
        "Error 8: KeyError: '<b>name</b>'",
    )
    assert (concern.count, rows(admin, concern)) == (1, 1)
    html = admin.get(START).content.decode()
    assert f'href="/console/runs/{run.pk}/"' in html
    assert f'href="{page("definitions_apidefinition", "view", definition.pk)}"' in html
    assert "7 of 9 runs failed within 5 minutes" in html
    assert "3 min ago</time>" in html
    assert "KeyError: &#x27;&lt;b&gt;name" in html
    assert '<details id="concern-failing" open>' in html


def test_a_failed_run_without_an_error_shows_its_code_and_one_that_is_gone_no_link(admin, make):
    definition, run = failing_api(make, error_code=None)
    assert found(admin, "APIs that fail").findings[0].error.startswith("Code 503: KeyError")
    run.delete()
    (failure,) = found(admin, "APIs that fail").findings
    assert (failure.name, failure.error, failure.run_page) == (definition.route, "", "")
    assert b"Show the run" not in admin.get(START).content


def test_only_some_of_many_failing_apis_are_listed(admin, make):
    for number in range(12):
        failing_api(make, f"failing/{number}")
    few = queries(admin, START)
    concern = found(admin, "APIs that fail")
    assert (len(concern.findings), concern.more, rows(admin, concern)) == (10, 2, 12)
    for number in range(12, 20):
        failing_api(make, f"failing/{number}")
    assert queries(admin, START) == few


def test_runs_that_were_not_kept_are_counted_for_a_day(admin):
    now = timezone.now()
    for minutes, records, extras in ((5, 3, 0), (20, 1_000, 2), (25 * 60, 7, 7)):
        RunsNotKept.objects.create(minute=now - timedelta(minutes=minutes), records=records, extras=extras)
    concern = found(admin, "Runs that were not kept")
    assert "24 hours: 1003 runs and the logs and bodies of 2 runs." in concern.meaning
    assert "manager.log" in concern.meaning
    assert [each.name for each in concern.findings] == ["3 runs", "1000 runs and the logs and bodies of 2 runs"]
    assert admin.get(concern.findings[0].page).status_code == 200
    keys = [each.key for each in start(admin)["concerns"]]
    assert "health-runs" not in keys, "said once"
    RunsNotKept.objects.filter(minute__gt=now - timedelta(days=1)).delete()
    assert titles(admin) == []


def test_failing_apis_are_only_for_those_who_may_see_runs(visit, make):
    failing_api(make, "secret/route")
    RunsNotKept.objects.create(minute=timezone.now(), records=3)
    others = visit("tokens.ui_available", "automation.ui_available", "runs.cancel")
    assert titles(others) == []
    assert b"secret/route" not in others.get(START).content
    of_runs = visit("runs.ui_available")
    concern = found(of_runs, "APIs that fail")
    assert (concern.page, concern.findings[0].name, concern.findings[0].page) == ("", "secret/route", "")
    assert titles(of_runs) == ["APIs that fail", "Runs that were not kept"]


# --- Nodes and health ---


@pytest.fixture
def alive(monkeypatch):
    """Makes the nodes of these numbers those that are alive."""

    def make(*numbers: int) -> None:
        states = [NodeState(number, "here", 4, "2026-01-01T00:00:00Z", confines=True) for number in numbers]
        beats = [overview.LivingNode(state, datetime.now(UTC), "") for state in states]
        monkeypatch.setattr(overview, "look", lambda **_options: overview.Fleet(beats, 0))

    return make


@pytest.fixture
def seen():
    """A node of which the last sample is of so long ago; what Redis knows of it is forgotten."""
    made = []

    def see(number: int, ago: timedelta) -> None:
        at = int((timezone.now() - ago).timestamp())
        WorkerNode.objects.get_or_create(id=number, defaults={"host": "west"})
        NodeSample.objects.create(step=60, start=at // 3600 * 60, node=number, last=at // 10, looks=1)
        made.append(number)

    yield see
    with suppress(redis.RedisError):
        for number in made:
            broker().delete(redis_keys.departure(number))


def test_a_node_that_is_gone_is_told_of_for_a_day(stack, admin, alive, seen):
    alive(1)
    for number, ago in ((1, 5), (901, 3 * 60), (902, 0), (903, 25 * 60)):
        seen(number, timedelta(minutes=ago))
    assert titles(admin) == ["Node 901 (west) is gone"]
    concern = found(admin, "Node 901 (west) is gone")
    assert concern.tone == "bad"
    assert admin.get(concern.page).status_code == 200
    html = " ".join(admin.get(START).content.decode().split())
    assert "Last seen <time" in html
    assert "3 h ago</time>" in html
    alive(1, 901)
    assert titles(admin) == []


def test_a_node_that_left_on_purpose_is_not_missed_until_it_comes_back(stack, admin, alive, seen):
    alive()
    seen(901, timedelta(minutes=20))
    departures.note(901, now_milliseconds() - 1_100_000)
    assert titles(admin) == []
    departures.note(901, now_milliseconds() - 1_300_000)
    assert titles(admin) == ["Node 901 (west) is gone"], "it had come back since"


def test_a_node_that_leaves_says_so(stack):
    number = 904
    beats = heartbeat.Heartbeat(number, 4, "2026-01-01T00:00:00Z")
    beats.tick()
    beats.beat()
    assert departures.of_nodes([number]) == {}
    beats.leave()
    beats.beat()
    beats.stop()
    assert abs(departures.of_nodes([number])[number] - timezone.now()) < timedelta(minutes=1)
    broker().delete(redis_keys.departure(number))


def test_superusers_dismiss_a_node_that_is_gone(stack, admin, visit, alive, seen):
    alive()
    seen(901, timedelta(minutes=20))
    other = visit("definitions.ui_available")
    address = found(admin, "Node 901 (west) is gone").dismissal
    assert found(other, "Node 901 (west) is gone").dismissal == ""
    assert other.post(address).status_code == 403
    assert admin.get(address).status_code == 405
    assert admin.post(address)["Location"] == START
    assert titles(admin) == titles(other) == []


def test_without_redis_the_page_says_so(admin, monkeypatch, seen):
    def unreachable(**_):
        raise redis.ConnectionError

    seen(901, timedelta(minutes=20))
    monkeypatch.setattr(overview, "look", unreachable)
    concerns = {concern.key: concern for concern in start(admin)["concerns"]}
    assert concerns["health-broker"].tone == "bad"
    assert not [key for key in concerns if key.startswith("node-")], "nobody knows"


def test_components_that_are_not_well_are_among_the_concerns(admin, visit, monkeypatch):
    def show(*states: ComponentState) -> None:
        health = components.InstallationHealth(components=states, facts=None, checked_at=timezone.now())
        monkeypatch.setattr(components, "current", lambda: health)

    since = timezone.now() - timedelta(minutes=12)
    fine = ComponentState(name="mirror", status=HealthStatus.OFF, message="Searches go to the database.")
    show(fine)
    html = admin.get(START).content.decode()
    assert "No problems found" in html
    assert "Searches go to the database." in html, "in the details"
    down = ComponentState(name="nodes", status=HealthStatus.DOWN, message="<b>none ready", since=since)
    full = ComponentState(name="builds", status=HealthStatus.IMPAIRED, message="a build failed: 1")
    show(fine, full, down)
    (concern,) = start(admin)["concerns"]
    assert (concern.title, concern.tone, concern.since) == ("Worker nodes", "bad", since)
    html = " ".join(admin.get(START).content.decode().split())
    assert "&lt;b&gt;none ready First noticed <time" in html
    assert "No problems found" not in html
    keys = [concern.key for concern in start(visit("definitions.ui_available"))["concerns"]]
    assert keys == ["health-nodes", "health-builds"], "who may not view scripts learns of builds only here"
