"""Who calls what, how much and when last, on the pages of objects; and the column of calls in lists."""

import re
import uuid
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from django.utils.html import escape

from fleet.records import RunStatus
from hosts.jobs import RunKind
from runs import store
from tests.console.conftest import FLAGS, page
from tests.console.test_query_counts import queries
from tests.runs.records import ended, id_at

DEFINITION, TOKEN, SCRIPT = "definitions_apidefinition", "tokens_apitoken", "automation_automationscript"
HOSTILE = '<script>alert(1)</script> & "zebra"'
GONE = uuid.UUID(int=7)
PAGES = {DEFINITION: "access", TOKEN: "view", SCRIPT: "runs"}
"""The page of each that tells who calls what."""
WITHOUT_RUNS = FLAGS - {"runs.ui_available"}


def called(definition, token=None, script=None, *, ago=timedelta(0), status=RunStatus.SUCCEEDED, **values):
    """A stored run of a client, with its counters."""
    ids = {"definition_id": definition, "token_id": token, "script_id": script}
    told = {name: str(value) for name, value in ids.items() if value} | values
    times = {"queue_milliseconds": 1, "run_milliseconds": 20}
    store.store_records([ended(status, id=id_at(timezone.now() - ago), **told, **times)])


@pytest.fixture
def api(make):
    """An API that a token of a hostile name has called three times, once in vain."""
    api = make(route="a/{id}", token=make.token(name=HOSTILE))
    ids = api.definition.pk, api.token.pk, api.definition.script_id
    called(*ids)
    called(*ids, ago=timedelta(hours=2))
    called(*ids, status=RunStatus.FAILED)
    return api


def rows(client, model, obj, **query):
    """Name, calls, failures of each row, and the rows."""
    response = client.get(page(model, PAGES[model], obj.pk), query)
    assert response.status_code == 200
    shown = response.context
    found = shown["shares"].rows if "shares" in shown else [row.share for row in shown["table"].rows]
    return [(row.known.name, row.calls, row.failures) for row in found], found


class TestWhoCallsWhat:
    def test_of_a_token_by_api(self, admin, api):
        called(api.definition.pk, api.token.pk, kind=RunKind.TRIAL)
        (found, (row,)) = rows(admin, TOKEN, api.token)
        assert found == [("a/{id}", "3", "1")]
        assert timezone.now() - row.last.since < timedelta(minutes=3)
        wanted = parse_qs(urlsplit(row.failed_runs).query)
        assert wanted["token"] == [str(api.token.pk)]
        assert wanted["definition"] == [str(api.definition.pk)]
        assert admin.get(row.failed_runs).context["rows"][0].run.status == RunStatus.FAILED

    def test_of_an_api_by_token_and_without_one(self, admin, api):
        called(api.definition.pk, kind=RunKind.MESSAGE)
        assert rows(admin, DEFINITION, api.definition)[0] == [(HOSTILE, "3", "1"), ("Without a token", "1", "0")]

    @pytest.mark.parametrize(
        ("asked", "order", "first"),
        [("calls", "calls", HOSTILE), ("failed", "failed", "fails"), ("last", "last", "late"), ("'", "calls", HOSTILE)],
    )
    def test_rows_are_ordered_by_a_column(self, admin, make, api, asked, order, first):
        for name, minutes, status in (("fails", 9, RunStatus.FAILED), ("late", -2, RunStatus.SUCCEEDED)):
            token, _secret = make.token(name=name)
            for _ in range(2):
                called(api.definition.pk, token.pk, ago=timedelta(minutes=minutes), status=status)
        assert rows(admin, DEFINITION, api.definition, sort=asked)[0][0][0] == first
        html = admin.get(page(DEFINITION, "access", api.definition.pk), {"sort": asked, "range": "7d"}).content.decode()
        (chosen,) = re.findall(r'aria-sort="descending"><a class="ud-order" href="([^"]+)"', html)
        assert chosen == f"?sort={order}&amp;range=7d"

    def test_of_a_script_all_runs(self, admin, api):
        called(None, script=api.definition.script_id, kind=RunKind.SUBSCRIPT)
        found = rows(admin, SCRIPT, api.definition.script)[0]
        assert found == [("a/{id}", "3", "1"), ("Not through an API", "1", "0")]

    def test_what_was_deleted_is_named_as_in_its_last_run(self, admin, api):
        called(GONE, api.token.pk, route="old/route", ago=timedelta(hours=1))
        (found, (_first, row)) = rows(admin, TOKEN, api.token)
        assert found[1] == ("old/route", "1", "0")
        assert (row.known.page, str(row.known.deleted)) == ("", "Deleted API")

    def test_the_last_call_is_known_for_longer_than_the_range(self, admin, make):
        api = make()
        called(api.definition.pk, api.token.pk, ago=timedelta(days=20))
        found = admin.get(page(DEFINITION, "access", api.definition.pk), {"range": "1h"})
        (row,) = found.context["table"].rows
        assert row.share.calls == "0"
        assert "2 weeks ago" in found.content.decode().replace("\xa0", " ")


class TestUsagePermissions:
    def test_names_only_for_those_who_may_view_the_objects(self, visit, api):
        client = visit(*FLAGS - {"tokens.ui_available"})
        text = client.get(page(DEFINITION, "access", api.definition.pk)).content.decode()
        assert "zebra" not in text
        assert str(api.token.pk) in text
        client = visit("tokens.ui_available", "runs.ui_available")
        assert rows(client, TOKEN, api.token)[0] == [(str(api.definition.pk), "3", "1")]

    def test_a_hostile_name_is_text(self, admin, api):
        text = admin.get(page(DEFINITION, "access", api.definition.pk)).content.decode()
        assert HOSTILE not in text
        assert escape(HOSTILE) in text

    def test_without_the_flag_for_runs_nothing_of_it_is_shown(self, visit, api):
        client = visit(*WITHOUT_RUNS)
        refused = client.get(page(TOKEN, "usage", api.token.pk))
        assert refused.status_code == 403
        assert "Runs &gt; UI available" in refused.content.decode()
        assert "/usage/" not in client.get(page(TOKEN, "view", api.token.pk)).content.decode()
        listed = client.get(page(DEFINITION, "changelist"))
        assert "recent_calls" not in listed.context["cl"].list_display
        assert "ud-recent" not in listed.content.decode()

    def test_a_library_has_no_usage(self, admin, make):
        library = make.script("VALUE = 1\n", "a_library", kind="Library")
        assert admin.get(page(SCRIPT, "usage", library.pk), follow=True).status_code == 404
        assert page(SCRIPT, "runs", library.pk) not in admin.get(page(SCRIPT, "versions", library.pk)).content.decode()


class TestLists:
    @pytest.mark.parametrize("model", [DEFINITION, TOKEN, SCRIPT])
    def test_calls_of_a_day_in_words(self, admin, api, model):
        text = admin.get(page(model, "changelist")).content.decode()
        assert 'aria-label="3 calls, 1 failed in 24 hours"' in text

    def test_the_last_call_where_the_day_had_none(self, admin, make):
        old, _never = make(), make()
        called(old.definition.pk, old.token.pk, ago=timedelta(days=3))
        text = admin.get(page(DEFINITION, "changelist")).content.decode().replace("\xa0", " ")
        assert ">3 days ago</time>" in text
        assert '<span class="ud-subtle">never</span>' in text

    def test_users_without_the_flag_cost_no_look_at_the_statistics(self, visit, api, django_assert_num_queries):
        address = page(DEFINITION, "changelist")
        assert queries(visit(*WITHOUT_RUNS), address) < queries(visit(*FLAGS), address)


@pytest.mark.parametrize("model", [DEFINITION, TOKEN])
def test_the_page_costs_the_same_with_many_rows(admin, make, api, model):
    obj = {DEFINITION: api.definition, TOKEN: api.token}[model]
    called(GONE, api.token.pk)
    called(api.definition.pk, GONE)
    few = queries(admin, page(model, PAGES[model], obj.pk))
    for number in range(9):
        other = make()
        called(other.definition.pk, api.token.pk)
        called(api.definition.pk, other.token.pk)
        called(uuid.UUID(int=100 + number), api.token.pk)
        called(api.definition.pk, uuid.UUID(int=100 + number))
    assert queries(admin, page(model, PAGES[model], obj.pk)) == few


@pytest.mark.parametrize(
    "query", [{"range": "1y"}, {"range": "nonsense"}, {"from": "9999-12-31"}, {"from": "2026-01-01"}]
)
def test_any_range_opens(admin, api, query):
    assert admin.get(page(DEFINITION, "view", api.definition.pk), query).status_code == 200
    assert admin.get(page(TOKEN, "usage", api.token.pk), query).status_code == 200
    assert admin.get(page("automation_workernode", "charts"), query).status_code == 200
