"""The pages of an API: overview, runs, access, settings; what is done there, and what a user without flags sees."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from definitions.changes import save_definition
from events.models import InformationEvent
from fleet.records import RunStatus
from objects.changes import save_checked
from runs.models import FailingApi, Run
from tests.console.conftest import FLAGS, page, said, submit
from tests.console.test_query_counts import queries
from tests.console.test_usage import called

MODEL = "definitions_apidefinition"
EDITOR = ("definitions.ui_available", "definitions.add_edit", "automation.execute")


def shown(client, api, kind="view", **query):
    response = client.get(page(MODEL, kind, api.definition.pk), query)
    assert response.status_code == 200
    return response


def tabs(response) -> list[str]:
    return [one.tab.kind for one in response.context["head"].tabs]


def allowed(api) -> set[UUID]:
    return set(api.definition.allowed_tokens.values_list("pk", flat=True))


def change_access(client, api, **sent):
    return client.post(page(MODEL, "access", api.definition.pk), sent, follow=True)


def undo(client, response):
    """Press the button in the message."""
    (button,) = re.findall(r'formaction="([^"]+)" name="([a-z]+)" value="([^"]+)">Undo', said(response))
    address, name, value = button
    return client.post(address, {name: value}, follow=True)


class TestApiOverview:
    def test_says_how_to_call_it_what_runs_and_who_may(self, admin, make):
        api = make(route="encoders/{id}")
        api.definition.description = "State of an encoder"
        save_checked(api.definition, "system")
        text = shown(admin, api).content.decode()
        for said_there in ("/api/custom/encoders/{id}", "$TOKEN", "State of an encoder", "Current (version 1)"):
            assert said_there in text
        assert "1 token may call it" in text
        assert page("automation_automationscript", "version", api.definition.script_id, 1) in text

    def test_last_runs_are_dots_in_their_order_with_words(self, admin, make):
        api = make()
        for minutes, status in ((9, RunStatus.FAILED), (6, RunStatus.REFUSED), (3, RunStatus.SUCCEEDED)):
            called(api.definition.pk, ago=timedelta(minutes=minutes), status=status)
        response = shown(admin, api)
        dots = response.context["fares"].dots
        assert [dot.shown.run.status for dot in dots] == ["Failed", "Refused", "Succeeded"]
        text = response.content.decode().replace("\xa0", " ")
        assert re.search(r'class="ud-run-dot bad" href="/console/runs/[^"]+" title="Failed, [^"]*9 minutes ago"', text)
        assert f'href="/console/runs/{dots[-1].shown.run.pk}/"' in text

    def test_only_the_last_twenty_runs_are_dots(self, admin, make):
        api = make()
        for seconds in range(23):
            called(api.definition.pk, ago=timedelta(seconds=30 - seconds))
        dots = shown(admin, api).context["fares"].dots
        assert [dot.shown.run.pk for dot in dots] == list(Run.objects.order_by("pk").values_list("pk", flat=True)[3:])

    def test_without_calls_it_offers_a_first_one(self, admin, visit, make):
        api = make()
        text = shown(admin, api).content.decode()
        assert "No calls yet" in text
        assert "ud-dots" not in text
        viewer = shown(visit("definitions.ui_available", "runs.ui_available"), api).content.decode()
        assert "No calls yet" in viewer
        assert "Try it" not in viewer

    def test_figures_and_charts_lead_to_its_own_runs(self, admin, make):
        api = make()
        called(api.definition.pk, status=RunStatus.FAILED)
        called(api.definition.pk)
        called(make().definition.pk, status=RunStatus.FAILED)
        fares = shown(admin, api, range="1h").context["fares"]
        assert [tile.value for tile in fares.tiles][:2] == ["2", "50%"]
        (failed,) = [entry.url for entry in fares.calls.legend if entry.kind == "failed"]
        assert failed.startswith(page(MODEL, "runs", api.definition.pk))
        assert [row.run.definition_id for row in admin.get(failed).context["rows"]] == [api.definition.pk]

    def test_failing_is_told_with_its_last_error(self, admin, visit, make):
        api = make()
        called(api.definition.pk, status=RunStatus.FAILED, message="KeyError: 'name'\n  at line 7")
        run = Run.objects.get()
        FailingApi.objects.create(pk=api.definition.pk, since=timezone.now(), failed=5, runs=8, last_run_id=run.pk)
        response = shown(admin, api)
        text = response.content.decode()
        assert "Failing: 5 of 8 runs" in text
        assert "KeyError: &#x27;name&#x27;" in text
        assert f"/console/runs/{run.pk}/" in text
        assert "Failing" in response.context["head"].state
        viewer = shown(visit("definitions.ui_available"), api)
        assert "Failing" not in viewer.content.decode()
        save_definition_disabled(api)
        assert "Failing" not in shown(admin, api).content.decode()

    def test_nobody_may_call_it_is_a_hint_with_a_button(self, admin, visit, make):
        api = make()
        save_definition(api.definition, "system", [])
        assert "Allow a token" in shown(admin, api).content.decode()
        viewer = shown(visit("definitions.ui_available"), api).content.decode()
        assert "nobody can call it" in viewer
        assert "Allow a token" not in viewer

    def test_usage_has_moved_with_its_range(self, admin, make):
        api = make()
        moved = admin.get(page(MODEL, "usage", api.definition.pk), {"range": "7d"})
        assert moved.url == page(MODEL, "view", api.definition.pk) + "?range=7d"


def save_definition_disabled(api):
    api.definition.refresh_from_db()
    api.definition.is_disabled = True
    save_checked(api.definition, "system")


class TestApiPermissions:
    def test_tabs_are_those_that_the_user_may_view(self, admin, visit, make):
        api = make()
        assert tabs(shown(admin, api)) == ["view", "try", "runs", "access", "settings", "history"]
        response = shown(visit("definitions.ui_available"), api)
        assert tabs(response) == ["view", "access", "settings", "history"]
        assert [action.title for action in response.context["head"].actions] == ["JSON"]
        assert response.context["fares"] is None

    def test_actions_in_their_order(self, admin, make):
        head = shown(admin, make()).context["head"]
        assert [action.title for action in head.buttons] == ["Try it", "Edit"]
        assert [action.title for action in head.menu] == [
            "JSON",
            "Run the last calls again…",
            "Duplicate",
            "Disable",
            "Delete…",
        ]

    @pytest.mark.parametrize("kind", ["view", "access", "settings"])
    def test_names_of_others_only_for_those_who_may_view_them(self, visit, make, kind):
        api = make(token=make.token(name="zebra token"))
        called(api.definition.pk, api.token.pk)
        api.definition.script.name = "zebra script"
        save_checked(api.definition.script, "system")
        text = shown(visit("definitions.ui_available", "runs.ui_available"), api, kind).content.decode()
        assert "zebra token" not in text
        assert page("automation_automationscript", "view", api.definition.script_id) not in text
        if kind == "access":
            assert str(api.token.pk) in text

    def test_runs_need_their_flag(self, visit, make):
        refused = visit("definitions.ui_available").get(page(MODEL, "runs", make().definition.pk))
        assert refused.status_code == 403
        assert "Runs &gt; UI available" in refused.content.decode()


class TestApiRuns:
    def test_are_those_of_the_api_with_the_filters_of_the_list(self, admin, make):
        api = make()
        called(api.definition.pk, status=RunStatus.FAILED)
        called(api.definition.pk)
        called(make().definition.pk)
        assert len(shown(admin, api, "runs").context["rows"]) == 2
        response = shown(admin, api, "runs", status="Failed")
        assert [row.run.status for row in response.context["rows"]] == ["Failed"]
        assert [chip.name for chip in response.context["chips"]] == ["status"]
        assert str(api.definition.pk) in response.context["repeat_page"]
        # Neither the search for routes nor another API widens it.
        assert len(shown(admin, api, "runs", definition=str(make().definition.pk)).context["rows"]) == 2

    def test_id_of_a_run_leads_to_it(self, admin, make):
        api = make()
        called(api.definition.pk)
        run = Run.objects.get()
        found = admin.get(page(MODEL, "runs", api.definition.pk), {"q": str(run.pk)})
        assert found.url == f"/console/runs/{run.pk}/"


class TestApiAccess:
    def test_tokens_with_state_limit_and_calls(self, admin, make):
        busy = make.token(name="busy", rate_limit=3, rate_window_seconds=7)
        api = make(token=busy)
        off, _secret = make.token(name="off", is_disabled=True)
        gone, _secret = make.token(name="gone")
        save_definition(api.definition, "system", [api.token, off])
        called(api.definition.pk, api.token.pk)
        called(api.definition.pk, gone.pk)
        response = shown(admin, api, "access")
        rows = {row.share.known.name: row for row in response.context["table"].rows}
        assert rows.keys() == {"busy", "off", "gone"}
        assert (rows["busy"].share.calls, rows["off"].share.calls) == ("1", "0")
        assert [name for name, row in rows.items() if row.is_gone] == ["gone"]
        text = response.content.decode()
        for said_there in ("3 in 7 s", "No longer allowed", "Disabled"):
            assert said_there in text

    @pytest.mark.django_db(transaction=True)
    def test_tokens_are_allowed_and_that_is_undone(self, admin, make):
        api, (other, _), (third, _) = make(), make.token(name="second"), make.token(name="third")
        before = api.definition.revision
        response = change_access(admin, api, allow=[str(other.pk), str(third.pk), str(api.token.pk)])
        assert "second, third may call the API now." in said(response)
        assert allowed(api) == {api.token.pk, other.pk, third.pk}
        api.definition.refresh_from_db()
        assert (api.definition.revision, api.definition.last_modified_by) == (before + 1, "root")
        assert InformationEvent.objects.filter(object_id=api.definition.pk, user="root", verb="updated").count() == 1
        assert "may no longer call" in said(undo(admin, response))
        assert allowed(api) == {api.token.pk}

    def test_removing_asks_first_and_is_undone(self, admin, make):
        api = make(token=make.token(name="old client"))
        asked = shown(admin, api, "access", remove=str(api.token.pk)).content.decode()
        assert "Remove old client from this API?" in asked
        assert allowed(api) == {api.token.pk}
        response = change_access(admin, api, remove=str(api.token.pk))
        assert "old client may no longer call the API." in said(response)
        assert "every call is refused" in response.content.decode()
        assert allowed(api) == set()
        undo(admin, response)
        assert allowed(api) == {api.token.pk}

    def test_what_changes_nothing_says_and_stores_nothing(self, admin, make):
        api, (other, _) = make(), make.token()
        before = api.definition.revision
        for sent in ({"allow": str(api.token.pk)}, {"remove": str(other.pk)}, {"allow": "nonsense"}, {}):
            assert not said(change_access(admin, api, **sent))
        api.definition.refresh_from_db()
        assert api.definition.revision == before

    def test_a_token_that_is_gone_is_refused(self, admin, make):
        api, (other, _) = make(), make.token()
        key = other.pk
        other.delete()
        assert "does not exist" in said(change_access(admin, api, allow=str(key)))
        assert allowed(api) == {api.token.pk}

    @pytest.mark.parametrize("flags", [EDITOR, (*EDITOR[::2], "tokens.ui_available"), FLAGS - {"automation.execute"}])
    def test_takes_the_flags_for_definitions_and_tokens(self, visit, make, flags):
        api, (other, _), client = make(), make.token(), visit(*flags)
        text = shown(client, api, "access").content.decode()
        assert "Allow tokens" not in text
        assert "Remove…" not in text
        refused = client.post(page(MODEL, "access", api.definition.pk), {"allow": str(other.pk)})
        assert refused.status_code == 403
        assert allowed(api) == {api.token.pk}

    def test_needs_the_csrf_token(self, admin, make):
        api, strict = make(), Client(enforce_csrf_checks=True)
        strict.cookies = admin.cookies
        refused = strict.post(page(MODEL, "access", api.definition.pk), {"remove": str(api.token.pk)})
        assert refused.status_code == 403
        assert allowed(api) == {api.token.pk}

    def test_without_the_flag_for_runs_there_are_no_figures(self, visit, make):
        api = make(token=make.token(name="named"))
        called(api.definition.pk, api.token.pk)
        client = visit("definitions.ui_available", "tokens.ui_available")
        response = shown(client, api, "access")
        assert [row.share.known.name for row in response.context["table"].rows] == ["named"]
        assert "Last call" not in response.content.decode()


class TestApiSettings:
    def test_every_property_is_there(self, admin, make):
        response = shown(admin, make(), "settings")
        assert [group.key for group in response.context["groups"]] == ["where", "what", "runs", "objectives", "about"]
        labels = {str(label) for label, *_ in response.context["rows"]}
        assert {"URL", "State", "Script", "Version", "Most runs at once", "Send Server-Timing", "Id"} <= labels


class TestObjectState:
    @pytest.mark.parametrize("model", [MODEL, "tokens_apitoken"])
    def test_is_switched_and_switched_back(self, admin, make, model):
        api = make()
        obj = api.definition if model == MODEL else api.token
        response = admin.post(page(model, "state", obj.pk), {"state": "off"}, follow=True)
        assert "is disabled." in said(response)
        assert response.redirect_chain[-1][0] == page(model, "view", obj.pk)
        obj.refresh_from_db()
        assert obj.is_disabled
        assert "is enabled." in said(undo(admin, response))
        obj.refresh_from_db()
        assert not obj.is_disabled

    def test_takes_the_right_to_change(self, visit, admin, make):
        api, viewer = make(), visit("definitions.ui_available")
        assert viewer.post(page(MODEL, "state", api.definition.pk), {"state": "off"}).status_code == 403
        assert admin.get(page(MODEL, "state", api.definition.pk)).status_code == 403
        api.definition.refresh_from_db()
        assert not api.definition.is_disabled


def test_a_duplicate_starts_with_all_but_route_and_tokens(admin, make):
    api = make(route="a/b", content_types=["text/csv"])
    api.definition.name, api.definition.max_concurrent = "First", 5
    save_checked(api.definition, "system")
    form = admin.get(page(MODEL, "add"), {"like": str(api.definition.pk)}).context["adminform"].form
    taken = {name: form[name].value() for name in ("name", "max_concurrent", "script", "content_types")}
    assert taken == {
        "name": "First",
        "max_concurrent": 5,
        "script": api.definition.script_id,
        "content_types": "text/csv",
    }
    assert not form["route"].value()
    assert not form["allowed_tokens"].value()


def test_publishing_leads_to_the_overview_and_offers_a_call(admin, make):
    made = submit(admin, page(MODEL, "add"), route="new/route", script=make.script().pk)
    assert made.url.endswith("/view/")
    response = admin.get(made.url)
    assert "new/route" in said(response)
    assert "Try it" in said(response)


@pytest.mark.parametrize("kind", ["view", "access"])
def test_costs_the_same_with_many_tokens_and_runs(admin, make, kind):
    api = make()
    for _ in range(2):
        called(api.definition.pk, make.token()[0].pk)
    few = queries(admin, page(MODEL, kind, api.definition.pk))
    tokens = [make.token()[0] for _ in range(12)]
    save_definition(api.definition, "system", tokens)
    for token in tokens:
        called(api.definition.pk, token.pk)
    assert queries(admin, page(MODEL, kind, api.definition.pk)) <= few
