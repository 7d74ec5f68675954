"""From a list to the usage of an API and on to the runs behind a number, with the keyboard alone and on a phone."""

from datetime import timedelta

from playwright.sync_api import expect

from testbed.statistics_rows import add_samples
from tests.runs.statistics.stored import store_calls


def test_from_the_calls_of_a_list_to_the_runs_that_failed(visit, publish, no_runs, console):
    api = publish(route="usage/{id}")
    store_calls(api.definition, timedelta(minutes=5), token=api.token.pk, succeeded=4, failed=2)
    page = visit(viewport={"width": 1280, "height": 800})
    page.goto(f"{console}definitions/apidefinition/")
    page.get_by_role("link", name="6 calls, 2 failed in 24 hours").press("Enter")
    page.set_viewport_size({"width": 375, "height": 800})
    expect(page.get_by_role("heading", name="Calls by status")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    page.get_by_role("link", name="Access 1").press("Enter")
    page.get_by_role("link", name="7d", exact=True).press("Enter")
    row = page.get_by_role("row").filter(has_text=api.token.name)
    row.get_by_role("link", name="2", exact=True).press("Enter")
    expect(page.locator("#list-rows tbody tr")).to_have_count(2)
    page.go_back()
    row.get_by_role("link", name=api.token.name, exact=True).press("Enter")
    expect(page.get_by_role("heading", name="APIs", exact=True)).to_be_visible()
    assert page.url.endswith(f"/tokens/apitoken/{api.token.pk}/view/?range=7d")


def test_nodes_show_what_they_did_and_what_they_do(visit, no_runs, console):
    add_samples({1: 4, 7: 8}, hours=26)
    page = visit(viewport={"width": 375, "height": 800})
    page.goto(f"{console}automation/workernode/?range=6h")
    expect(page.get_by_role("listitem").filter(has_text="of 8 on average")).to_be_visible()
    renewed = page.evaluate("document.querySelector('#nodes').dataset.every")
    with page.expect_response(lambda answer: answer.url.endswith("/workernode/?range=6h")):
        assert renewed == "2"
    page.evaluate("document.querySelector('#fleet-charts').dataset.every = '1'")
    with page.expect_response(lambda answer: "/workernode/charts/" in answer.url) as answered:
        expect(page.locator("[data-chart=slots]")).to_be_visible()
    assert answered.value.ok
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_from_the_overview_to_the_run_of_who_fails_most_takes_three_clicks(visit, publish, no_runs, console):
    api, (other, _secret) = publish(route="fails/most/{id}"), publish.token()
    store_calls(api.definition, timedelta(minutes=5), token=other.pk, succeeded=9)
    store_calls(api.definition, timedelta(minutes=6), token=api.token.pk, failed=2)
    page = visit()
    page.goto(f"{console}?range=6h")
    page.get_by_role("region", name="Most failing APIs").get_by_role("link", name="fails/most/{id}").click()
    page.locator("[data-chart=calls] .ud-legend").get_by_role("link", name="Failed").click()
    page.locator("#list-rows .ud-run-link").first.click()
    page.wait_for_url("**/runs/*-*/")
    expect(page.get_by_text("Failed").first).to_be_visible()
