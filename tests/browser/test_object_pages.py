"""From the list to an API and its runs, and who may call it: allowed, removed and brought back, with the keyboard."""

from datetime import timedelta

from playwright.sync_api import expect

from definitions.models import ApiDefinition
from tests.runs.statistics.stored import store_calls
from tokens.models import ApiToken


def test_an_api_is_read_from_its_list_to_a_run_and_its_access_is_changed(visit, publish, no_runs, console):
    api = publish(route="objects/{id}", token=publish.token(name="old client"))
    store_calls(api.definition, timedelta(minutes=9), token=api.token.pk, succeeded=2)
    store_calls(api.definition, timedelta(minutes=5), token=api.token.pk, failed=1)
    page = visit(viewport={"width": 375, "height": 800})
    page.goto(f"{console}definitions/apidefinition/")
    page.get_by_role("link", name="objects/{id}", exact=True).first.click()
    expect(page.locator(".ud-run-dot")).to_have_count(3)
    expect(page.get_by_role("heading", name="Calls by status")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    newest = page.locator(".ud-dots").get_by_role("link").last
    newest.press("Enter")
    page.wait_for_url("**/runs/*-*/")
    expect(page.get_by_text("Failed").first).to_be_visible()
    page.go_back()

    page.get_by_role("link", name="Access 1").click()
    page.get_by_role("link", name="Remove old client…").press("Enter")
    question = page.get_by_role("form", name="Remove old client from this API?")
    expect(question).to_contain_text("3 times in the last 24 hours")
    question.get_by_role("button", name="Remove token").press("Enter")
    expect(page.get_by_text("No longer allowed")).to_be_visible()
    assert not api.definition.allowed_tokens.exists()
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.get_by_text("old client may call the API now.")).to_be_visible()
    assert list(api.definition.allowed_tokens.all()) == [api.token]

    page.get_by_text("Allow tokens").click()
    page.get_by_role("button", name="New token").click()
    page.locator("#new-token-name").fill("from the page")
    page.get_by_role("button", name="Create token").click()
    expect(page.locator("#new-token-secret")).not_to_be_empty()
    page.get_by_role("button", name="I have saved it").click()
    page.get_by_role("button", name="Allow selected tokens").click()
    expect(page.get_by_text("from the page may call the API now.")).to_be_visible()
    assert api.definition.allowed_tokens.filter(pk=ApiToken.objects.get(name="from the page").pk).exists()

    page.get_by_role("button", name="More actions for objects/{id}").press("Enter")
    page.get_by_role("menuitem", name="Disable").press("Enter")
    expect(page.locator("#object-state")).to_have_text("Disabled")
    assert ApiDefinition.objects.get().is_disabled
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator("#object-state")).not_to_have_text("Disabled")
    assert not ApiDefinition.objects.get().is_disabled
