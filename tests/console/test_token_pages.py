"""The pages of a token: which APIs it opens, its secret, its limits, its usage."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from console.tokens.limits_page import busiest_time
from fleet.records import RunStatus
from runs.statistics.query import StatisticsFilters
from tests.console.conftest import FLAGS, page, said, submit
from tests.console.test_api_pages import allowed, tabs, undo
from tests.console.test_query_counts import queries
from tests.console.test_usage import called
from tokens.models import ApiToken

MODEL = "tokens_apitoken"


def shown(client, token, kind="view", **query):
    response = client.get(page(MODEL, kind, token.pk), query)
    assert response.status_code == 200
    return response


def change_apis(client, token, **sent):
    return client.post(page(MODEL, "apis", token.pk), sent, follow=True)


class TestTabs:
    def test_are_those_that_the_user_may_view(self, admin, visit, make):
        token, _secret = make.token()
        assert tabs(shown(admin, token)) == ["view", "rotate", "limits", "usage", "history"]
        viewer = shown(visit("tokens.ui_available"), token)
        assert tabs(viewer) == ["view", "limits", "history"]
        assert [action.title for action in viewer.context["head"].actions] == ["JSON"]

    def test_edit_is_the_button_and_delete_the_last_of_the_menu(self, admin, make):
        head = shown(admin, make.token()[0]).context["head"]
        assert [action.title for action in head.buttons] == ["Edit"]
        assert [action.title for action in head.menu] == ["Runs", "JSON", "Disable", "Delete…"]

    def test_usage_has_charts_and_leaves_the_table_to_access(self, admin, make):
        api = make()
        called(api.definition.pk, api.token.pk)
        response = shown(admin, api.token, "usage", range="6h")
        assert not response.context["calls"].is_empty
        assert "ud-shares" not in response.content.decode()


class TestTokenAccess:
    def test_apis_with_calls_failures_and_those_of_the_past(self, admin, make):
        api, past = make(route="present"), make(route="past")
        unused = make(route="unused", token=(api.token, api.secret))
        called(api.definition.pk, api.token.pk)
        called(api.definition.pk, api.token.pk, status=RunStatus.FAILED)
        called(past.definition.pk, api.token.pk)
        rows = {row.share.known.name: row for row in shown(admin, api.token).context["table"].rows}
        told = {name: (row.share.calls, row.share.failures, row.is_gone) for name, row in rows.items()}
        assert told == {"present": ("2", "1", False), "past": ("1", "0", True), "unused": ("0", "0", False)}
        assert rows["present"].share.known.page == page("definitions_apidefinition", "view", api.definition.pk)
        assert unused.definition.pk == rows["unused"].granted.pk

    def test_a_token_that_opens_nothing_offers_apis(self, admin, visit, make):
        token, _secret = make.token()
        text = shown(admin, token).content.decode()
        assert "No API allows this token," in text
        assert '<details class="ud-allow" open>' in text
        viewer = shown(visit("tokens.ui_available"), token).content.decode()
        assert "No API allows this token," in viewer
        assert "Choose the APIs" not in viewer

    @pytest.mark.django_db(transaction=True)
    def test_apis_are_allowed_and_that_is_undone(self, admin, make):
        api, other, (token, _secret) = make(route="a/a"), make(route="b/b"), make.token(name="client")
        response = change_apis(admin, token, allow=[str(api.definition.pk), str(other.definition.pk)])
        assert "client may call a/a, b/b now." in said(response)
        assert allowed(api) == {api.token.pk, token.pk}
        assert allowed(other) == {other.token.pk, token.pk}
        assert "client may no longer call a/a, b/b." in said(undo(admin, response))
        assert allowed(api) == {api.token.pk}

    def test_removing_asks_first_with_the_calls_and_is_undone(self, admin, make):
        api = make(route="a/a", token=make.token(name="client"))
        called(api.definition.pk, api.token.pk)
        asked = shown(admin, api.token, remove=str(api.definition.pk)).content.decode()
        assert "Remove client from a/a?" in asked
        assert "It has called 1 time in the last 24 hours." in asked
        response = change_apis(admin, api.token, remove=str(api.definition.pk))
        assert allowed(api) == set()
        undo(admin, response)
        assert allowed(api) == {api.token.pk}

    def test_an_api_that_a_rule_refuses_is_told_and_the_others_are_changed(self, admin, make):
        broken, fine, (token, _secret) = make(route="broken"), make(route="fine"), make.token(name="client")
        type(broken.definition)._base_manager.filter(pk=broken.definition.pk).update(script=None)
        response = change_apis(admin, token, allow=f"{broken.definition.pk},{fine.definition.pk}")
        assert "client may call fine now." in said(response)
        assert "script does not exist" in said(response)
        assert allowed(broken) == {broken.token.pk}

    @pytest.mark.parametrize("lacking", ["definitions.ui_available", "definitions.add_edit", "automation.execute"])
    def test_takes_the_flags_for_definitions(self, visit, make, lacking):
        api, (token, _secret), client = make(route="hidden/route"), make.token(), visit(*FLAGS - {lacking})
        sent = {"allow": str(api.definition.pk)}
        assert client.post(page(MODEL, "apis", token.pk), sent).status_code == 403
        assert allowed(api) == {api.token.pk}
        assert "Allow for APIs" not in shown(client, token).content.decode()

    def test_routes_are_ids_for_users_who_may_not_view_them(self, visit, make):
        api = make(route="hidden/route")
        called(api.definition.pk, api.token.pk)
        text = shown(visit("tokens.ui_available", "runs.ui_available"), api.token).content.decode()
        assert "hidden/route" not in text
        assert str(api.definition.pk) in text

    def test_apis_to_choose_are_found_by_route(self, admin, make):
        make(route="tests/needle")
        make(route="tests/hay")
        found = admin.get("/console/tokens/apitoken/pick-apis/", {"q": "needle"}).content.decode()
        assert "tests/needle" in found
        assert "tests/hay" not in found

    def test_costs_the_same_with_many_apis(self, admin, make):
        token = make.token()
        for _ in range(2):
            called(make(token=token).definition.pk, token[0].pk)
        few = queries(admin, page(MODEL, "view", token[0].pk))
        for _ in range(9):
            called(make(token=token).definition.pk, token[0].pk)
        assert queries(admin, page(MODEL, "view", token[0].pk)) == few


class TestSecret:
    def test_names_last_use_and_consequence(self, admin, make):
        api = make()
        ApiToken._base_manager.filter(pk=api.token.pk).update(last_used=timezone.now() - timedelta(hours=3))
        text = " ".join(shown(admin, api.token, "rotate").content.decode().replace("\xa0", " ").split())
        assert "stops working immediately" in text
        assert "3 h" in text
        assert "and may call 1 API." in text

    def test_a_new_token_offers_apis_beside_its_secret(self, admin, visit, make):
        offered = submit(admin, page(MODEL, "add"), name="new").content.decode()
        made = ApiToken.objects.get(name="new")
        assert "Allow it for APIs" in offered
        assert page(MODEL, "view", made.pk) in offered
        client = visit("tokens.ui_available", "tokens.add_edit")
        assert "Allow it for APIs" not in submit(client, page(MODEL, "add"), name="other").content.decode()


class TestLimits:
    def test_in_words_with_what_callers_get(self, admin, make):
        token, _secret = make.token(rate_limit=3, rate_window_seconds=7)
        text = shown(admin, token, "limits").content.decode()
        for told in ("3 in 7 s", "At most 3 requests", "HTTP 429", "Retry-After", "No call within"):
            assert told in text
        free, _secret = make.token(rate_limit=None, rate_window_seconds=None)
        assert "No limit" in shown(admin, free, "limits").content.decode()

    def test_busiest_minute_leads_to_its_runs(self, admin, visit, make):
        api = make(token=make.token(rate_limit=4, rate_window_seconds=60))
        minute = timezone.now().replace(second=1, microsecond=0)
        for minutes in (30, 30, 30, 50):
            called(api.definition.pk, api.token.pk, ago=timezone.now() - minute + timedelta(minutes=minutes))
        response = shown(admin, api.token, "limits")
        busiest = response.context["busiest"]
        assert (busiest.calls, busiest.allowed, busiest.percent) == (3, 4, 75)
        assert len(admin.get(busiest.runs).context["rows"]) == 3
        assert "3 calls" in response.content.decode()
        viewer = shown(visit("tokens.ui_available"), api.token, "limits")
        assert viewer.context["busiest"] is None
        assert "How close it came" not in viewer.content.decode()

    @pytest.mark.parametrize(
        ("limit", "window", "found"),
        [(10, 1, (2, 1, 600)), (10, 120, (3, 2, 10)), (100, 86_400, (4, 1_440, 100)), (None, None, (2, 1, None))],
    )
    def test_calls_are_compared_in_the_window_of_the_limit(self, make, limit, window, found):
        api = make(token=make.token(rate_limit=limit, rate_window_seconds=window))
        now = datetime.now(UTC).replace(second=30, microsecond=0)
        for minutes in (10, 10, 11, 90):
            called(api.definition.pk, api.token.pk, ago=datetime.now(UTC) - now + timedelta(minutes=minutes))
        busiest = busiest_time(api.token, StatisticsFilters(token=[api.token.pk]), now)
        assert busiest is not None
        assert (busiest.calls, busiest.minutes, busiest.allowed) == found


def test_a_token_that_is_gone_is_404(admin, make):
    token, _secret = make.token()
    address = page(MODEL, "apis", token.pk)
    token.delete()
    assert admin.post(address, {}).status_code == 404
