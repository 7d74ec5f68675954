"""Charts: bars add up, lines have gaps, the table says the same, and whatever a name holds, the SVG is sound."""

import re
from itertools import combinations, pairwise
from uuid import UUID
from xml.etree import ElementTree

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory

from console.charts.calls import STACK, calls_chart
from console.charts.chart import Chart
from console.charts.curves import ValueCurve, curves_chart
from console.charts.percentiles import durations_chart, waits_chart
from console.charts.plots import line, stacked_bars
from console.charts.ranges import ChosenRange
from console.charts.scales import Unit
from console.charts.sparklines import OF_CLIENTS, sparkline_of
from console.charts.timeline import Timeline
from runs.statistics.periods import Step
from runs.statistics.query import StatisticsFilters
from testbed.stack import ROOT
from tests.console.charts.made import figures, measured

NASTY = "<b onmouseover=\"alert('1')\">&amp;</b>"


def rendered(chart: Chart) -> str:
    return render_to_string("console/charts/chart.html", {"chart": chart}, RequestFactory().get("/"))


def parsed(html: str) -> ElementTree.Element:
    """The page, read as strictly as XML is."""
    with_values = html.replace(" data-local-time>", ' data-local-time="">')
    return ElementTree.fromstring(f"<main>{with_values}</main>")  # noqa: S314  our own


SOME = measured(
    figures([80, 90, 4_000], succeeded=90, failed=8, never_started=2),
    figures(),
    figures([50], succeeded=1),
    figures([60, 70], refused=3, cancelled=1, unanswered=1),
)


def test_bars_stand_on_each_other_and_never_leave_the_plot():
    bars = [[("failed", 1), ("refused", 0), ("succeeded", 9_999)], [("failed", 0), ("succeeded", 5)], []]
    segments = stacked_bars(bars, 10_000)
    assert [each.kind for each in segments] == ["failed", "succeeded", "succeeded"]
    failed, succeeded, few = segments
    assert float(failed.height) >= 1.2
    assert float(failed.y) + float(failed.height) == pytest.approx(100)
    assert 0 <= float(succeeded.y) < float(succeeded.y) + float(succeeded.height) < float(failed.y)
    assert float(few.height) >= 1.2
    assert float(few.x) > float(failed.x) + float(failed.width)


def test_bars_of_many_small_parts_stay_inside():
    segments = stacked_bars([[(kind, 1) for kind in STACK]], 1_000_000)
    assert all(0 <= float(each.y) <= 100 and float(each.height) > 0 for each in segments)
    assert all(float(upper.y) < float(lower.y) for lower, upper in pairwise(segments))


def test_lines_have_gaps_where_nothing_is_known():
    drawn = line("p95", [None, 5, 10, None, 2, None], 10)
    assert (drawn.path, drawn.dots) == ("M250.0 50.00L416.7 0.00", "M750.0 80.00h.1")
    assert drawn.area.startswith("M250.0 100L250.0 50.00L416.7 0.00V100Z")
    assert line("p95", [], 1).path == line("p95", [None], 1).path == ""


def test_calls_are_counted_by_status_with_their_sums_and_links():
    chart = calls_chart(SOME)
    assert {entry.kind: entry.text for entry in chart.legend[:-1]} == {
        "succeeded": "91",
        "failed": "11",
        "refused": "3",
        "cancelled": "1",
    }
    table = [[cell.text for cell in point.cells] for point in chart.points]
    assert [row[0] for row in table] == ["100", "0", "1", "5"]
    assert table[0][1:5] == ["90", "0", "0", "10"]
    assert table[1] == ["0", "0", "0", "0", "0", "\N{EN DASH}"]
    point = next(iter(chart.points))
    assert "from=2026-03-15T06%3A00%3A00Z&to=2026-03-15T07%3A00%3A00Z" in point.url
    assert "kind=Trigger%2CMessage" in point.url
    failed = point.cells[4]
    assert "status=Failed%2CUnanswered%2CNeverStarted" in failed.url
    assert point.label.startswith("15 Mar 06:00\N{EN DASH}07:00 UTC: Calls 100, Succeeded 90, Failed 10, p95 ")


def test_links_name_the_object_that_the_chart_is_about():
    of_one = StatisticsFilters(definition=[UUID(int=7)], kind=OF_CLIENTS)
    chart = calls_chart(measured(figures(succeeded=1), filters=of_one))
    assert all(f"definition={UUID(int=7)}" in url for url in (*chart.urls, chart.csv, chart.legend[0].url))


@pytest.mark.parametrize("make", [calls_chart, durations_chart, waits_chart])
def test_charts_are_sound_svg_without_styles_and_scripts(make):
    html = rendered(make(SOME, title=NASTY))
    page = parsed(html)
    assert page.find(".//svg") is not None
    assert page.findtext(".//h2") == NASTY
    assert not re.search(r"<style|<script|\sstyle=|\son\w+=\"", html)
    names = [link.get("aria-label") for link in page.findall(".//svg//a")]
    assert len(names) == len(SOME.places)
    assert all(names)
    assert html.count('tabindex="0" aria-label') == 1, "one stop of the tab key"
    assert html.count("<tr data-key=") == len(SOME.places)


def test_a_point_that_is_not_over_is_marked():
    of_now = ChosenRange.of(RequestFactory().get("/?range=1h"))
    places = Timeline(of_now.period).places
    assert [place.is_partial for place in places[-2:]] == [False, True]
    assert places[-1].text.endswith(", so far")


def test_too_many_days_share_places_of_a_week():
    days = measured(*[figures(succeeded=1)] * 365, step=Step.DAY)
    assert len(days.places) == len(days.figures) == 53
    assert sum(each.calls for each in days.figures) == 365
    assert days.places[0].text == "15 Mar\N{EN DASH}21 Mar 2026"
    assert days.places[-1].end == days.period.until
    html = rendered(calls_chart(days))
    assert "data-tick" not in html, "days of UTC are those of nobody else"
    assert "Days of UTC" in html


def test_a_time_without_calls_says_so_and_links_nowhere():
    for make in (calls_chart, durations_chart, waits_chart):
        html = rendered(make(measured(figures(), figures())))
        assert "No calls in this time" in html
        assert "<svg" not in html
        assert "<a" not in html


def test_curves_of_other_values_than_runs():
    curves = [ValueCurve("first", "Busy", [1, None, 3.5], 2.25), ValueCurve("limit", "Slots", [4, 4, 4], 4)]
    timeline = Timeline(measured(figures(), figures(), figures()).period)
    chart = curves_chart(timeline, curves, Unit.NUMBER, title=NASTY, key="slots", empty="Nothing is known")
    assert [entry.text for entry in chart.legend] == ["2.2", "4"]
    html = rendered(chart)
    assert parsed(html).findtext(".//h2") == NASTY
    unknown = curves_chart(
        timeline, [ValueCurve("first", "Busy", [None] * 3, None)], Unit.NUMBER, title="", key="", empty="?!"
    )
    assert "?!" in rendered(unknown)


def test_sparklines_say_in_words_what_they_show():
    shown = sparkline_of([(10, 0), (0, 0), (5, 5), (1_000, 1)])
    assert shown.label == "1,015 calls, 6 failed"
    assert shown.answered.count("M") == 2
    assert shown.failed.count("M") == 2
    html = render_to_string("console/charts/sparkline.html", {"sparkline": shown})
    assert 'role="img" aria-label="1,015 calls, 6 failed"' in html
    assert parsed(html).find("svg") is not None
    assert "no calls" in render_to_string("console/charts/sparkline.html", {"sparkline": sparkline_of([(0, 0)] * 24)})
    assert sparkline_of([(1, 0)]).label == "1 call, 0 failed"


# --- Colours ---


def _colours(theme: str) -> dict[str, str]:
    css = (ROOT / "console/static/console/look/charts.css").read_text()
    (block,) = re.findall(rf"^{re.escape(theme)} {{(.*?)^}}", css, re.DOTALL | re.MULTILINE)
    return dict(re.findall(r"--ud-chart-(\w+): (#\w{6})", block))


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("theme", "surface"), [(":root", "#ffffff"), (".dark", "#101828")])
def test_colours_stand_out_from_the_surface_and_from_their_neighbours(theme, surface):
    colours = _colours(theme)
    assert {name for name, colour in colours.items() if _contrast(colour, surface) < 3} == set()
    in_stack = [colours[kind] for kind in STACK]
    assert all(_contrast(*pair) >= 3 for pair in pairwise(in_stack))
    # What is left out of a bar does not bring two alike together, but for a mere refusal under what succeeded.
    pairs = {tuple(sorted(pair)) for pair in combinations(STACK, 2) if _contrast(*(colours[each] for each in pair)) < 3}
    assert pairs == {("cancelled", "failed"), ("refused", "succeeded")}
