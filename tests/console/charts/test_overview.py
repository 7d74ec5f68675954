"""The statistics of the overview: figures, a chart, rankings, each number with the runs behind it."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
import redis

from console.charts.rankings import RANKED
from console.charts.tiles import Tile
from fleet import overview
from hosts.jobs import RunKind
from objects.changes import delete_checked
from runs.models import Run
from runs.statistics.models import FleetSample, NodeSample
from tests.console.charts.test_ranges import HOSTILE
from tests.console.test_query_counts import publish, queries
from tests.runs.statistics.stored import store_calls

START = "/console/"
OTHERS = ("definitions.ui_available", "tokens.ui_available", "automation.ui_available", "runs.cancel")


@pytest.fixture(autouse=True)
def no_samples(db):
    """Nobody has seen the fleet; the background program of a stack may have looked before."""
    for model in (FleetSample, NodeSample):
        model.objects.all().delete()


def shown(client, query: str = "") -> Any:
    """The `RunStatistics` of the page, or None."""
    return client.get(f"{START}?{query}").context["statistics"]


def tiles(client, query: str = "") -> dict[str, Tile]:
    return {tile.key: tile for tile in shown(client, query).tiles}


def listed(client, url: str) -> list[Run]:
    """The runs of the list that a number leads to."""
    return [row.run for row in client.get(url).context["rows"]]


@pytest.fixture
def two(make):
    """A busy API that fails now and then, and one that fails half of the time."""
    busy, failing = make(route="busy").definition, make(route="failing/{id}").definition
    store_calls(busy, succeeded=9, failed=1)
    store_calls(failing, milliseconds=900, succeeded=2, unanswered=1, never_started=1, refused=1)
    return busy, failing


def test_figures_lead_to_the_runs_behind_them(admin, two):
    found = tiles(admin)
    assert list(found) == ["calls", "failed", "p95", "queue", "slots"]
    assert [found[key].value for key in ("calls", "failed", "queue")] == ["15", "20%", "5 ms"]
    assert found["p95"].value in {"900 ms", "1 s"}, "within a fifth"
    assert len(listed(admin, found["calls"].url)) == 15
    assert {run.status for run in listed(admin, found["failed"].url)} == {"Failed", "Unanswered", "NeverStarted"}


def test_figures_are_compared_with_the_time_before(admin, two):
    assert tiles(admin)["calls"].note == ""
    store_calls(two[0], timedelta(hours=3), succeeded=10)
    now = tiles(admin, "range=1h")
    assert (now["calls"].note, now["calls"].tone) == ("", ""), "nothing was called in the hour before"
    store_calls(two[0], timedelta(minutes=90), succeeded=29, failed=1)
    now = tiles(admin, "range=1h")
    assert (now["calls"].note, now["calls"].tone) == ("\N{DOWNWARDS ARROW} 50%, was 30", "")
    assert (now["failed"].note, now["failed"].tone) == ("\N{UPWARDS ARROW} was 3.33%", "bad")
    assert (now["queue"].note, now["queue"].tone) == ("was 5 ms", "")


def test_chart_has_a_point_for_each_time_and_links_to_its_runs(admin, two):
    chart = shown(admin, "range=1h").chart
    assert {entry.kind: entry.text for entry in chart.legend[:4]} == {
        "succeeded": "11",
        "cancelled": "0",
        "refused": "1",
        "failed": "3",
    }
    with_calls = [point for point in chart.points if point.cells[0].text != "0"]
    assert [point.cells[0].text for point in with_calls] == ["15"]
    assert len(listed(admin, with_calls[0].url)) == 15
    assert {run.status for run in listed(admin, with_calls[0].cells[3].url)} == {"Refused"}
    html = admin.get(f"{START}?range=1h").content.decode()
    # Those of the calls and of their waits for a slot.
    assert html.count("<tr data-key=") == 2 * len(chart.timeline.places) in (120, 122)


def test_subscripts_trials_and_replays_are_no_calls_of_clients(admin, two):
    for kind in (RunKind.SUBSCRIPT, RunKind.TRIAL, RunKind.REPLAY):
        store_calls(two[0], kind=kind, succeeded=4)
    store_calls(two[0], kind=RunKind.MESSAGE, succeeded=1)
    assert tiles(admin)["calls"].value == "16"
    url = tiles(admin)["calls"].url
    assert "kind=Trigger%2CMessage" in url
    assert len(listed(admin, url)) == 16
    chips = admin.get(url).context["chips"]
    assert [chip.value for chip in chips if chip.name == "kind"] == ["Trigger, Trigger message"]


def test_busiest_and_most_failing_apis_of_a_span(admin, two):
    busy, failing = two
    ranks = shown(admin).rankings
    assert [(row.name, row.text, row.note) for row in ranks.busiest] == [
        ("busy", "10 calls", "10% failed"),
        ("failing/{id}", "5 calls", "40% failed"),
    ]
    assert [(row.name, row.text, row.note) for row in ranks.failing] == [
        ("failing/{id}", "2 failures", "40%"),
        ("busy", "1 failure", "10%"),
    ]
    assert [row.share for row in ranks.busiest] == ["100.00", "50.00"]
    assert len(listed(admin, ranks.failing[0].runs)) == 2
    assert str(failing.pk) in ranks.failing[0].page
    store_calls(failing, timedelta(days=3), succeeded=100)
    assert [row.name for row in shown(admin, "top=week").rankings.busiest] == ["failing/{id}", "busy"]
    assert [row.name for row in shown(admin, "top=hour&range=7d").rankings.busiest] == ["busy", "failing/{id}"]
    assert [row.name for row in shown(admin, "top=%3Cb%3E").rankings.busiest] == ["busy", "failing/{id}"]
    chosen = [choice.url for choice in shown(admin, "range=7d").rankings.choices]
    assert chosen == ["?range=7d&top=hour", "?range=7d&top=day", "?range=7d&top=week"]
    delete_checked(busy, "somebody")
    (first, _second) = shown(admin).rankings.busiest
    assert (first.name, first.page) == ("Deleted API", "")


def test_rankings_show_the_first_few(admin, make):
    for number in range(RANKED + 2):
        store_calls(make(route=f"api/{number}").definition, succeeded=number + 1)
    ranks = shown(admin).rankings
    assert [row.name for row in ranks.busiest] == [f"api/{number}" for number in range(RANKED + 1, 1, -1)]
    assert ranks.failing == []
    assert b"No failures in this time" in admin.get(START).content


def test_without_calls_the_chart_says_so(admin, make):
    make()
    html = admin.get(START).content.decode()
    assert html.count("No calls in this time") == 3
    assert "ud-plots" not in html
    assert tiles(admin)["failed"].value == "\N{EN DASH}"


def test_without_the_flag_there_is_no_chart_and_no_number(visit, two):
    client = visit(*OTHERS)
    html = client.get(START).content.decode()
    assert shown(client) is None
    assert not re.search(r'class="[^"]*ud-(chart|tile|ranking|range)|id="statistics"', html)
    assert client.get("/console/statistics/").status_code == 403
    assert client.get("/console/statistics.csv").status_code == 403


def test_what_else_may_be_seen_depends_on_its_own_flags(visit, two):
    client = visit("runs.ui_available")
    ranks = shown(client).rankings
    assert [(row.name, row.page) for row in ranks.busiest] == [("busy", ""), ("failing/{id}", "")]
    assert "slots" not in tiles(client)
    assert "/definitions/apidefinition/" not in client.get(START).content.decode()


def test_slots_are_those_of_now(admin, monkeypatch, two):
    def unreachable(**_):
        raise redis.ConnectionError

    monkeypatch.setattr(overview, "look", unreachable)
    slots = tiles(admin)["slots"]
    assert (slots.value, slots.tone) == ("?", "bad")


@pytest.mark.parametrize("query", HOSTILE)
def test_a_time_that_cannot_be_shown_leaves_the_default_with_a_message(admin, two, query):
    for address in (START, "/console/statistics/"):
        response = admin.get(f"{address}?{query}")
        assert response.status_code == 200
        assert "<script>alert" not in response.content.decode()
    assert "This time range cannot be shown" in admin.get(f"{START}?{query}").content.decode()
    assert admin.get(f"/console/statistics.csv?{query}").status_code == 200


def test_statistics_are_renewed_from_an_address_of_their_own(admin, two):
    html = admin.get(f"{START}?range=7d&top=week&other=1").content.decode()
    address = unescape(re.findall(r'id="statistics" data-swap data-from="([^"]+)"', html)[0])
    assert address == "/console/statistics/?range=7d&top=week"
    part = admin.get(address).content.decode()
    assert [f'id="{each}"' in part for each in ("statistics", "statistics-rankings", "statistics-load")] == [True] * 3
    assert "<html" not in part
    renewed = admin.get(START, headers={"X-Requested-With": "fetch"})
    assert renewed.context["statistics"] is None, "every ten seconds would cost too much"
    assert b'id="start-concerns"' in renewed.content


def test_statistics_cost_the_same_with_many_apis(admin, make, two):
    few = queries(admin, START)
    publish(make, 10)
    for number in range(10):
        store_calls(make(route=f"more/{number}").definition, timedelta(minutes=number * 7), succeeded=2, failed=1)
    assert queries(admin, START) == few
    assert queries(admin, "/console/statistics/?range=7d") <= 16


# --- As a file ---


def rows(client, query: str = "") -> list[dict[str, str]]:
    response = client.get(f"/console/statistics.csv?{query}")
    assert response.status_code == 200
    names, *lines = b"".join(response).decode().removeprefix("\ufeff").splitlines()
    return [dict(zip(names.split(","), line.split(","), strict=True)) for line in lines]


def test_file_has_the_numbers_of_the_chart(admin, two):
    response = admin.get("/console/statistics.csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="statistics.csv"' in response["Content-Disposition"]
    found = rows(admin, "range=1h")
    assert len(found) in (60, 61)
    (one,) = [row for row in found if row["calls"] != "0"]
    assert (one["calls"], one["Failed"], one["Unanswered"], one["queue_p95"]) == ("15", "1", "1", "5.0")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z", one["start"])
    assert {row["total_p95"] for row in found if row["calls"] == "0"} == {""}


def test_file_has_only_what_the_chart_is_about(admin, two):
    def calls(query: str) -> int:
        return sum(int(row["calls"]) for row in rows(admin, query))

    assert calls(f"definition={two[0].pk}") == 10
    assert calls(f"definition={two[0].pk},{two[1].pk}") == 15
    assert calls(f"script={two[1].script_id}") == 5
    assert calls(f"token={uuid4()}") == 0
    assert calls("kind=Replay,Trial") == 0
    assert calls(shown(admin).chart.csv.partition("?")[2]) == 15


@pytest.mark.parametrize("query", ["definition=1", "token=%27", "script=x,", "kind=Nothing", "kind=" + "Trial," * 51])
def test_file_of_what_there_cannot_be_is_not_found(admin, query):
    assert admin.get(f"/console/statistics.csv?{query}").status_code == 404
