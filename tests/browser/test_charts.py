"""The charts of the overview in a browser: pointer, keys, links, renewal, both themes, all widths."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from testbed.visitor import PATIENCE
from tests.browser.test_accessibility import findings
from tests.runs.statistics.stored import store_calls

WIDTHS = (375, 768, 1440, 1920)
CALLS = "[data-chart=calls]"
PLACES = f"{CALLS} .ud-plot-places > g > a"
SMALL_TEXT = """
[...document.querySelectorAll('.ud-plots text')].filter((each) => each.getBoundingClientRect().width > 0)
  .map((each) => parseFloat(getComputedStyle(each).fontSize)).filter((size) => size < 11).length
"""
OVERLAPPING = """
[...document.querySelectorAll('.ud-plot-times')].flatMap((times) => {
  const labels = [...times.querySelectorAll('text')].map((each) => each.getBoundingClientRect());
  const shown = labels.filter(({ width }) => width > 0).sort((one, other) => one.left - other.left);
  return shown.slice(1).filter(({ left }, index) => left < shown[index].right + 2);
}).length
"""


@pytest.fixture
def called(publish, no_runs):
    """Two APIs that have been called."""
    apis = [publish(route="charts/busy").definition, publish(route="charts/it's-&-fails/{id}").definition]
    store_calls(apis[0], timedelta(minutes=20), succeeded=12, refused=1)
    store_calls(apis[0], timedelta(minutes=5), succeeded=3, cancelled=1)
    store_calls(apis[1], timedelta(minutes=5), milliseconds=700, succeeded=2, failed=2)
    return apis


def said(page) -> str:
    return str(page.locator(".ud-tooltip").inner_text())


def test_pointer_and_keys_say_what_a_place_holds_and_lead_to_its_runs(visit, called, console):
    page = visit(timezone_id="America/St_Johns")
    page.goto(f"{console}?range=1h")
    expect(page.get_by_role("heading", name="Calls by status")).to_be_visible()
    place = page.locator("[data-chart=calls] tbody tr").filter(has_text="8").last
    key = page.locator(PLACES).filter(has=page.locator("rect")).last.evaluate("(link) => link.parentNode.dataset.key")
    last = page.locator(PLACES).last
    last.hover()
    expect(page.locator(".ud-tooltip")).to_be_visible()
    # St John's is half an hour off: the ticks are at its own round hours.
    local = datetime.fromisoformat(key).astimezone(UTC) - timedelta(hours=3, minutes=30)
    assert f"{local:%H:%M}" in said(page)
    assert "(so far)" in said(page)
    page.mouse.move(5, 5)
    expect(page.locator(".ud-tooltip")).to_be_hidden()
    assert place.count() == 1
    last.focus()
    page.keyboard.press("Home")
    assert page.evaluate("document.activeElement === document.querySelector('.ud-plot-places a')")
    page.keyboard.press("End")
    for _ in range(6):
        if "Failed\n2" in said(page):
            break
        page.keyboard.press("ArrowLeft")
    assert "Calls\n8" in said(page)
    assert "Cancelled\n1" in said(page)
    page.keyboard.press("Escape")
    expect(page.locator(".ud-tooltip")).to_be_hidden()
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/**")
    query = parse_qs(urlsplit(page.url).query)
    assert {"from", "to", "kind"} == set(query)
    expect(page.locator("#list-rows tbody tr")).to_have_count(8)


def test_ranges_rankings_and_the_file_are_links(visit, called, console):
    page = visit()
    page.goto(console)
    ranking = page.get_by_role("region", name="Most failing APIs")
    expect(ranking.get_by_role("link", name="charts/it's-&-fails/{id}")).to_be_visible()
    page.get_by_role("link", name="7d", exact=True).click()
    expect(page.locator(".ud-range [aria-current]")).to_have_text("7d")
    ranking.get_by_role("link", name="Week").click()
    assert parse_qs(urlsplit(page.url).query) == {"range": ["7d"], "top": ["week"]}
    ranking.get_by_role("link", name="2 failures").click()
    expect(page.locator("#list-rows tbody tr")).to_have_count(2)
    page.go_back()
    page.get_by_text("From\N{EN DASH}to").click()
    page.get_by_label("From").fill("2026-01-01T10:00")
    page.get_by_label("Until").fill("2025-01-01T10:00")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("This time range cannot be shown")).to_be_visible()
    page.locator(CALLS).get_by_text("Show as a table").click()
    with page.expect_download() as download:
        page.locator(CALLS).get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "statistics.csv"


def test_statistics_renew_without_taking_the_focus(visit, called, console):
    page = visit()
    page.goto(f"{console}?range=6h")
    page.locator(PLACES).last.focus()
    page.keyboard.press("ArrowLeft")
    key = page.evaluate("document.activeElement.parentNode.dataset.key")
    page.evaluate("document.querySelector('#statistics').dataset.every = '1'")
    store_calls(called[0], timedelta(minutes=40), succeeded=30)
    expect(page.locator(".ud-tile").first).to_contain_text("51", timeout=PATIENCE)
    assert page.evaluate("document.activeElement.parentNode.dataset.key") == key
    expect(page.locator(".ud-tooltip")).to_be_visible()


def test_charts_are_readable_at_every_width_and_have_no_serious_findings(visit, called, console):
    page = visit(reduced_motion="reduce")
    wrong = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for name in ("24h", "30d", "1y"):
            page.goto(f"{console}?range={name}")
            assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, width
            assert page.evaluate(SMALL_TEXT) == 0, width
            assert page.evaluate(OVERLAPPING) == 0, (width, name)
        page.locator(CALLS).get_by_text("Show as a table").click()
        wrong += findings(page)
    page.emulate_media(forced_colors="active")
    filled = page.locator(".ud-plot rect").first.evaluate("(each) => getComputedStyle(each).fill")
    assert filled not in ("none", "rgba(0, 0, 0, 0)")
    assert not wrong, "\n".join(wrong)
