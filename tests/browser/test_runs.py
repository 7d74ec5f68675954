"""The pages of runs in a browser: from a failure to its line, the live list, a log that is followed, the search."""

import re
import threading

import httpx
import pytest
from playwright.sync_api import expect

from fleet import current_runs
from runs import store
from runs.models import Run
from testbed.stack import wait_until
from testbed.visitor import PATIENCE

LIBRARY = "def lookup(zones, name):\n    return zones[name]\n"
FAILING = """
from scripts.zone_tables import lookup

def on_api_trigger(engine, request):
    engine.log("looking for south")
    lookup({}, "south")
"""
FOLLOWED = """
import pathlib, time
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    end, number = pathlib.Path(request.raw_body), 0
    while not end.exists():
        number += 1
        engine.log(f"step {number}")
        time.sleep(0.2)
    engine.log("the end")
    return ApiTriggerOutput()
"""
WIDTHS = (375, 768, 1280, 1920)


@pytest.fixture
def recorded(stack):
    """Calls an API and waits until its run is stored; returns the run."""

    def recorded(api, **options) -> Run:
        run_id = api.call(stack.client, **options).headers["X-Trigger-Id"]
        wait_until(lambda: store_and_look(run_id), 30, f"no run {run_id}")
        return Run.objects.get(pk=run_id)

    return recorded


def store_and_look(run_id: str) -> bool:
    store.store_all()
    return Run.objects.filter(pk=run_id).exists()


def rows(page):
    return page.locator(".ud-runs tbody tr")


def test_three_clicks_lead_from_the_overview_to_the_line_that_failed(visit, publish, console, recorded):
    publish.script(LIBRARY, name="zone_tables", kind="Library")
    run = recorded(publish(FAILING, route="channels/restart"))
    page = visit()
    page.goto(console)
    page.get_by_role("link", name="Runs", exact=True).click()
    page.locator(f"tr[data-key='{run.pk}'] .ud-run-link").click()
    expect(page.get_by_role("heading", name="The script ended with an error.")).to_be_visible()
    page.get_by_role("link", name="Line 2 of zone_tables").click()
    expect(page.locator(".cm-activeLine")).to_have_text("    return zones[name]", timeout=PATIENCE)
    assert "/versions/1/" in page.url


def test_list_is_live_and_filters_are_chips_in_the_address(visit, publish, console, recorded):
    api = publish("from automation.sdk import ApiTriggerOutput\ndef on_api_trigger(engine, request):\n    1 / 0\n")
    page = visit()
    page.goto(f"{console}runs/?definition={api.definition.pk}")
    expect(page.get_by_role("heading", name="Nothing matches your search and filters.")).to_be_visible()
    page.evaluate("window.notReloaded = true")
    run = recorded(api)
    expect(page.locator(f"tr[data-key='{run.pk}']")).to_be_visible(timeout=PATIENCE)
    assert page.evaluate("window.notReloaded === true")
    page.get_by_role("link", name="Succeeded", exact=True).click()
    expect(rows(page)).to_have_count(0)
    expect(page).to_have_url(re.compile("status=Succeeded"))
    page.get_by_role("link", name="Status: Succeeded").click()
    expect(rows(page)).to_have_count(1)
    expect(page).not_to_have_url(re.compile("status"))
    page.locator("summary", has_text="Filters").click()
    page.get_by_label("Code (HTTP or error)").fill("13")
    expect(rows(page)).to_have_count(0)
    page.get_by_label("Code (HTTP or error)").fill("12")
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile("code=12"))
    page.get_by_label("From").fill("2020-01-01T00:00")
    expect(page.get_by_role("link", name="From:")).to_contain_text("2020")
    expect(rows(page)).to_have_count(1)


def test_pasted_id_leads_to_the_run_from_the_list_and_from_everywhere(visit, publish, console, recorded):
    run = recorded(publish())
    page = visit("runs.ui_available")
    page.goto(f"{console}runs/")
    page.get_by_role("searchbox", name="Trigger id, or a part of the route").fill(str(run.pk))
    page.wait_for_url(f"**/runs/{run.pk}/")
    page.goto(console)
    # The scripts of the page must have started.
    page.wait_for_load_state()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="APIs, scripts, tokens")).to_be_focused()
    page.keyboard.insert_text(str(run.pk))
    # At once, before the answer is there.
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/runs/{run.pk}/")


def test_log_of_a_run_is_followed_and_searched(visit, publish, console, stack, kept):
    api = publish(FOLLOWED)
    headers = {"Content-Type": "text/plain"}
    end = kept / "end"
    with httpx.Client(base_url=stack.url, timeout=60) as client:
        call = threading.Thread(target=api.call, args=(client,), kwargs={"content": str(end), "headers": headers})
        call.start()
        try:
            wait_until(lambda: of_api(api) is not None, 20, "the run is not shown")
            page = visit()
            run_id = of_api(api).id
            page.goto(f"{console}runs/{run_id}/")
            expect(page.locator(".ud-status").first).to_have_text("Running")
            page.evaluate("window.notReloaded = true")
            line = page.locator("#run-log p", has_text="step 12\n")
            line.wait_for(timeout=PATIENCE)
            scrolled = "(log) => log.scrollHeight - log.scrollTop - log.clientHeight"
            wait_until(lambda: page.locator("#run-log").evaluate(scrolled) < 60, 20, "the end of the log")
            page.locator("#run-log").evaluate("(log) => { log.style.maxHeight = '60px'; log.scrollTop = 0 }")
            page.locator("#run-log p", has_text="step 18\n").wait_for(state="attached", timeout=PATIENCE)
            assert page.locator("#run-log").evaluate("(log) => log.scrollTop") == 0
        finally:
            end.touch()
            call.join()
    wait_until(lambda: store_and_look(run_id) and page.locator("#run-log-following").count() == 0, 20, "no end is seen")
    expect(page.locator("#run-log p").last).to_contain_text("the end")
    expect(page.locator(".ud-status").first).to_have_text("Succeeded", timeout=PATIENCE)
    expect(page.locator(".ud-verdict.good")).to_be_visible()
    expect(page.get_by_role("link", name="Cancel", exact=True)).to_have_count(0)
    expect(page.get_by_role("link", name="Run again…")).to_be_visible()
    assert page.evaluate("window.notReloaded === true")
    page.get_by_role("searchbox", name="Lines with").fill("STEP 1")
    expect(page.locator("#run-log p:visible").first).to_contain_text("step 1")
    expect(page.locator("#run-log p", has_text="the end")).to_be_hidden()
    expect(page.locator("#run-log-count")).to_contain_text("of")


def of_api(api):
    """The record of the run of an API that goes on."""
    found = current_runs.look().running
    return next((record for record in found if record.definition_id == str(api.definition.pk)), None)


def test_list_and_run_fit_every_width(visit, publish, console, recorded):
    name = "A-Name-Of-Many-Letters-And-No-Space " * 3
    publish.script(LIBRARY, name="zone_tables", kind="Library")
    api = publish(FAILING.replace("looking", "x" * 300), route="regions/{region}/channels/{channel}/restart", name=name)
    run = recorded(api, path="/api/custom/regions/the-region-in-the-far-north/channels/channel-number-1/restart")
    page = visit()
    for address in (f"runs/?definition={api.definition.pk}&status=Failed", f"runs/{run.pk}/"):
        page.goto(console + address)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            # Fonts that are first needed at this width take a moment.
            page.wait_for_function("document.documentElement.scrollWidth <= window.innerWidth")
