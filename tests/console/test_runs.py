"""The pages of runs: what they show to whom, the filters, the pages of the list, and two runs side by side."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from console.runs.durations import bar_of, in_words
from events.models import InformationEvent
from fleet.records import Authority
from foundation.ids import first_id_at, new_run_id
from runs.models import Run, RunBodies, RunLog
from testbed.publisher import Api
from testbed.run_rows import id_at
from tests.console.conftest import page

VIEW, BODIES = "runs.ui_available", "runs.bodies"
TRACEBACK = """Restart (version 1): KeyError: 'south'
Traceback (most recent call last):
  File "<script Restart>", line 8, in on_api_trigger
    zone = lookup("south")
  File "<script zones>", line 5, in lookup
    return zones[name]
KeyError: 'south'
"""


class RunMaker:
    """Stores runs of an API: `made(status=…)`."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def __call__(self, api: Api | None = None, **values: Any) -> Run:
        definition = (api or self.api).definition
        known = {
            "id": id_at(timezone.now()),
            "kind": "Trigger",
            "status": "Succeeded",
            "authority": Authority.ENDED,
            "definition_id": definition.pk,
            "script_id": definition.script_id,
            "script_name": "Restart",
            "script_version": 1,
            "token_id": self.api.token.pk,
            "token_name": self.api.token.name,
            "route": definition.route,
            "called_route": definition.route,
            "method": "Post",
            "node": 1,
            "queue_milliseconds": 2,
            "run_milliseconds": 40,
            "total_milliseconds": 50,
            "response_code": 200,
        }
        return Run.objects.create(**known | values)


@pytest.fixture
def made(make):
    """Stores runs of one API."""
    return RunMaker(make(route="channels/restart", name="Restart"))


@pytest.fixture
def failed(made):
    """A run that has failed with a traceback."""
    reason = {"status": "Failed", "response_code": None, "error_code": 12, "reason": "AutomationActionError"}
    return made(**reason, message=TRACEBACK, libraries="zones@1")


def listed(response) -> list[str]:
    """The ids of the rows."""
    assert response.status_code == 200
    return re.findall(r'<tr data-key="([^"]+)"', response.content.decode())


def of_run(run, kind: str = "run") -> str:
    return reverse(f"admin:{kind}", args=[run.pk])


RUNS = "/console/runs/"


def test_newest_run_comes_first_and_says_what_happened(admin, made, failed):
    good = made()
    response = admin.get(RUNS)
    assert listed(response) == [str(good.pk), str(failed.pk)]
    row = response.content.decode().partition(f'data-key="{failed.pk}"')[2].partition("</tr>")[0]
    for shown in ("Failed", "500", "error 12", "channels/restart", "POST", "50 ms", made.api.token.name, "Restart v1"):
        assert shown in row, shown
    assert 'class="is-waited"' in row
    assert 'class="is-ran"' in row


@pytest.mark.parametrize("kind", ["", "log/", "compare/"])
def test_pages_of_runs_need_the_flag(visit, made, kind):
    run = made()
    assert visit("definitions.ui_available").get(RUNS).status_code == 403
    assert visit("definitions.ui_available").get(of_run(run) + kind).status_code == 403
    assert visit(VIEW).get(of_run(run) + kind).status_code == 200


def test_missing_flag_is_named(visit, made):
    assert "Runs &gt; UI available" in visit("tokens.ui_available").get(RUNS).content.decode()
    assert "Runs &gt; Bodies" in visit(VIEW).get(of_run(made(), "run_bodies")).content.decode()


def test_only_users_who_may_view_tokens_see_their_names(visit, made):
    run = made()
    for address in (RUNS, of_run(run), of_run(run) + f"compare/?with={made().pk}"):
        assert made.api.token.name not in visit(VIEW).get(address).content.decode()
        assert made.api.token.name in visit(VIEW, "tokens.ui_available").get(address).content.decode()


def test_token_name_is_no_filter_for_users_who_may_not_see_it(visit, made):
    run = made()
    assert listed(visit(VIEW).get(RUNS, {"token": made.api.token.name})) == []
    assert listed(visit(VIEW, "tokens.ui_available").get(RUNS, {"token": made.api.token.name})) == [str(run.pk)]
    assert listed(visit(VIEW).get(RUNS, {"token": str(made.api.token.pk)})) == [str(run.pk)]


def test_links_lead_only_to_what_the_user_may_view(visit, made, failed):
    alone = visit(VIEW).get(of_run(failed)).content.decode()
    assert "/console/automation/" not in alone
    assert "/console/definitions/" not in alone
    assert "<script" not in alone.partition("ud-traceback")[2].partition("</pre>")[0]
    assert page("definitions_apidefinition", "view", made.api.definition.pk) in (
        visit(VIEW, "definitions.ui_available").get(of_run(failed)).content.decode()
    )


def test_traceback_leads_to_the_lines_of_the_versions_that_ran(admin, make, made, failed):
    library = make.script("def lookup(name): pass\n", name="zones", kind="Library")
    shown = admin.get(of_run(failed)).content.decode()
    for script, line in ((made.api.definition.script_id, 8), (library.pk, 5)):
        assert f"{page('automation_automationscript', 'version', script, 1)}#L{line}" in shown
    assert "Line 5 of zones" in shown
    assert "The script ended with an error." in shown


FILTERS = [
    ({"status": "Failed"}, {"status": "Failed"}),
    ({"status": "Failed,Unanswered"}, {"status": "Unanswered"}),
    ({"code": "404"}, {"response_code": 404}),
    ({"code": "12"}, {"error_code": 12, "response_code": None}),
    ({"node": "7"}, {"node": 7}),
    ({"slower": "1000"}, {"total_milliseconds": 2_000}),
    ({"kind": "Replay"}, {"kind": "Replay"}),
    ({"user": "jane"}, {"user": "jane"}),
    ({"script": "gone"}, {"script_name": "gone", "script_id": None}),
    ({"last": "hour", "user": "x"}, {"user": "x"}),
    ({"q": "elsewhere"}, {"called_route": "elsewhere"}),
]


@pytest.mark.parametrize(("query", "values"), FILTERS)
def test_each_filter_finds_its_runs_and_has_a_chip(admin, made, query, values):
    made()
    wanted = made(**values)
    response = admin.get(RUNS, query)
    assert listed(response) == [str(wanted.pk)]
    chips = [chip for chip in response.context["wanted"].chips if not chip.is_invalid]
    assert {chip.name for chip in chips} == set(query)
    for chip in chips:
        assert f"{chip.name}=" not in chip.url


def test_times_filter_runs(admin, made):
    moment = timezone.now() - timedelta(hours=2)
    old = made(id=first_id_at(moment))
    new = made()
    around = {"from": (moment - timedelta(minutes=1)).isoformat(), "to": (moment + timedelta(minutes=1)).isoformat()}
    assert listed(admin.get(RUNS, around)) == [str(old.pk)]
    assert listed(admin.get(RUNS, {"last": "hour"})) == [str(new.pk)]


INVALID = [
    ("status", "Nothing"),
    ("node", "x"),
    ("node", "-1"),
    ("node", "9" * 30),
    ("definition", "x"),
    ("code", "1e3"),
]
INVALID += [("from", "yesterday"), ("last", "century"), ("kind", "x"), ("slower", "fast"), ("user", "a\0b")]


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_value_that_no_run_can_have_is_told(admin, made, name, value):
    made()
    response = admin.get(RUNS, {name: value})
    assert listed(response) == []
    assert "not valid" in response.content.decode()


def test_id_of_a_run_leads_to_it_from_the_search_box_and_from_everywhere(admin, visit, made):
    run = made()
    assert admin.get(RUNS, {"q": f" {run.pk} "}).url == of_run(run)
    found = admin.get("/console/palette/", {"q": f" {run.pk} "}).content.decode()
    assert of_run(run) in found
    hidden = visit("tokens.ui_available").get("/console/palette/", {"q": str(run.pk)}).content.decode()
    assert of_run(run) not in hidden
    assert "Nothing found" in hidden
    assert "No run has this id" in admin.get(RUNS, {"q": new_run_id()}).content.decode()
    assert "No run has this id" in admin.get("/console/palette/", {"q": str(new_run_id())}).content.decode()


def test_pages_go_to_older_runs_and_back(admin, made, monkeypatch):
    monkeypatch.setattr("console.runs.pages.LISTED", 2)
    ids = [str(made(id=first_id_at(datetime(2026, 1, 1, 0, number, tzinfo=UTC))).pk) for number in range(5)][::-1]
    first = admin.get(RUNS, {"kind": "Trigger"})
    second = admin.get(RUNS + first.context["older"])
    third = admin.get(RUNS + second.context["older"])
    assert [listed(each) for each in (first, second, third)] == [ids[:2], ids[2:4], ids[4:]]
    assert not first.context["newer"]
    assert not third.context["older"]
    assert listed(admin.get(RUNS + third.context["newer"])) == ids[2:4]
    assert listed(admin.get(RUNS + second.context["newer"])) == ids[:2]
    assert 'data-every="2"' not in second.content.decode()
    assert "kind=Trigger" in third.context["newer"]


def test_empty_list_says_why(admin, made):
    assert "No runs yet" in admin.get(RUNS).content.decode()
    assert "Nothing matches" in admin.get(RUNS, {"status": "Failed"}).content.decode()


def test_a_list_of_many_runs_costs_the_same(admin, made, django_assert_max_num_queries):
    for _ in range(20):
        made(libraries="zones@1")
    admin.get(RUNS)
    with django_assert_max_num_queries(14):
        admin.get(RUNS)


def test_log_is_shown_with_times_and_continued_from_a_line(admin, made):
    run = made(has_log=True)
    RunLog.objects.create(run_id=run.pk, text="12\tfirst <b>\n1034\tsecond\n")
    shown = admin.get(of_run(run)).content.decode()
    assert "0.012" in shown
    assert "first &lt;b&gt;" in shown
    for typed in ("-1", "²", "9" * 5_000):
        assert admin.get(of_run(run, "run_log"), {"start": typed}).json()["next"] == 2
    rest = admin.get(of_run(run, "run_log"), {"start": "1"}).json()
    assert rest == {"lines": [["1.034", "second"]], "next": 2, "isOver": True, "isComplete": True}


def test_bodies_are_shown_only_on_request_and_leave_an_event(visit, made):
    run = made(has_bodies=True)
    request = {"headers": [["X-Kind", "seen-header"]], "body": "seen-body", "is_cut": True}
    response = {"code": 201, "headers": {"X-Answer": ["yes"]}, "body": "seen-answer"}
    RunBodies.objects.create(run_id=run.pk, request=json.dumps(request), response=json.dumps(response))
    client = visit(VIEW, BODIES)
    for address in (of_run(run), of_run(run, "run_bodies")):
        assert "seen-" not in client.get(address).content.decode()
    assert not InformationEvent.objects.filter(object_id=run.pk).exists()
    shown = client.post(of_run(run, "run_bodies")).content.decode()
    for text in ("seen-header", "seen-body", "seen-answer", "201", "Cut:"):
        assert text in shown
    assert InformationEvent.objects.filter(object_id=run.pk).count() == 1
    assert visit(VIEW).post(of_run(run, "run_bodies")).status_code == 403
    assert "Show request and response" not in visit(VIEW).get(of_run(run)).content.decode()


def test_subscripts_are_a_tree_below_their_run(admin, made):
    run = made()
    child = made(kind="Subscript", parent_id=run.pk, script_name="child")
    grandchild = made(kind="Subscript", parent_id=child.pk, script_name="grandchild")
    tree = admin.get(of_run(run)).context["family"]
    assert [(each.shown.run.pk, each.depth) for each in tree.subscripts] == [(child.pk, 1), (grandchild.pk, 2)]
    assert admin.get(of_run(grandchild)).context["family"].parent.run.pk == child.pk


def test_what_became_of_an_unanswered_run_later_is_shown(admin, made):
    later = json.dumps({"status": "Succeeded", "responseCode": 200, "errorCode": None})
    run = made(status="Unanswered", reason="NatsRequestFailed", response_code=None, error_code=1001, later=later)
    shown = admin.get(of_run(run)).content.decode()
    assert "ended later as: Succeeded" in shown
    assert "may have run" in shown


def test_two_runs_are_compared(visit, made, failed):
    other = made(has_log=True)
    RunLog.objects.create(run_id=other.pk, text="1\tonly here\n")
    client = visit(VIEW)
    response = client.get(f"{of_run(failed)}compare/?with={other.pk}")
    rows = {str(label): (first, second, differs) for label, first, second, differs in response.context["rows"]}
    assert rows["Status"] == ("Failed", "Succeeded", True)
    assert rows["Code"] == ("500", "200", True)
    assert not rows["Called"][2]
    assert "only here" in response.content.decode()
    assert client.post(f"{of_run(failed)}compare/?with={other.pk}").status_code == 403
    assert client.get(f"{of_run(failed)}compare/?with={new_run_id()}").status_code == 404


def test_kept_bodies_of_two_runs_are_compared_on_request(visit, made):
    runs = [made(has_bodies=True) for _ in range(2)]
    for run, state in zip(runs, ("on", "off"), strict=True):
        response = {"code": 200, "body": json.dumps({"state": state, "a": 1})}
        RunBodies.objects.create(run_id=run.pk, request="{}", response=json.dumps(response))
    address = f"{of_run(runs[0])}compare/?with={runs[1].pk}"
    client = visit(VIEW, BODIES)
    assert "Compare request and response" in client.get(address).content.decode()
    shown = client.post(address)
    (differing,) = [each for each in shown.context["bodies"] if each.found]
    assert str(differing.title) == "Response body"
    assert InformationEvent.objects.filter(object_type="Run").count() == 2


def test_run_to_compare_with_is_chosen_from_those_of_the_same_api(admin, make, made):
    run, same = made(), made()
    made(api=make(route="elsewhere"))
    assert listed(admin.get(f"{of_run(run)}compare/")) == [str(same.pk)]
    assert "Not a trigger id" in admin.get(f"{of_run(run)}compare/?with=x").content.decode()


def test_objects_lead_to_their_runs(admin, visit, make, made):
    run = made()
    make(route="elsewhere")
    for model, obj in (
        ("definitions_apidefinition", made.api.definition),
        ("tokens_apitoken", made.api.token),
        ("automation_automationscript", made.api.definition.script),
    ):
        shown = admin.get(page(model, "view", obj.pk), follow=True).content.decode()
        addresses = set(re.findall(r'href="(/console/(?:runs/\?token=[^"&]+|[a-z]+/[a-z]+/[^"?/]+/runs/))"', shown))
        assert addresses, model
        for address in addresses:
            assert str(run.pk) in admin.get(address).content.decode()
        flag = f"{obj._meta.app_label}.ui_available"
        assert "/runs/" not in visit(flag).get(page(model, "view", obj.pk)).content.decode()


def test_durations_are_readable():
    assert [in_words(time) for time in (None, 7, 1_250, 125_000)] == ["", "7 ms", "1.25 s", "2 min 5 s"]


def test_bar_has_visible_parts_that_fit(made):
    bar = bar_of(made(queue_milliseconds=1, run_milliseconds=60_000, total_milliseconds=60_002), 60_002)
    widths = [float(part.width) for part in bar.parts]
    assert min(widths) > 0.5
    assert sum(widths) <= 100.1
    assert [part.name for part in bar.parts] == ["waited", "ran", "overhead"]


def test_what_a_lost_run_did_is_not_known(admin, made):
    lost = {"status": "Unanswered", "queue_milliseconds": 14, "run_milliseconds": None}
    run = made(**lost, total_milliseconds=8_390, node=1)
    assert [part.name for part in bar_of(run).parts] == ["waited", "unknown"]
    html = admin.get(f"/console/runs/{run.pk}/").content.decode()
    assert "kept for the next run" not in html
    assert "Nothing was printed" not in html
