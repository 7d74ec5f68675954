"""Forms lose nothing that was typed, and say what is wrong where it is wrong."""

import json
import re

from django.contrib.auth.models import User
from playwright.sync_api import expect

from automation.models import AutomationScript, Credential
from definitions.models import ApiDefinition
from testbed.visitor import log_in_by_form

APIS = "definitions/apidefinition/"
PASSWORD = "a long password 1"
PHONE = {"width": 375, "height": 740}
SECRET = "a-value-that-no-draft-contains"


def end_session() -> str:
    """End the session of the test's user by a new password; their name."""
    user = User.objects.latest("pk")
    user.set_password(PASSWORD)
    user.save()
    return str(user.username)


def save(page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()


def key_of_draft(address: str) -> str:
    return f"ud-draft:{User.objects.latest('pk').pk}:/console/{address}"


def draft(page, address: str) -> object:
    """What the browser keeps of the form at `address`; None without a draft."""
    kept = page.evaluate("(key) => localStorage.getItem(key)", key_of_draft(address))
    return kept and json.loads(kept)["values"]


def wait_for_draft(page, address: str) -> None:
    page.wait_for_function("(key) => localStorage.getItem(key) !== null", arg=key_of_draft(address))


def test_an_ended_session_is_noticed_and_nothing_is_lost(visit, console, publish):
    api = publish(route="typed/here").definition
    page = visit()
    page.goto(f"{console}{APIS}{api.pk}/change/")
    page.evaluate("window.notReloaded = true")
    page.locator("#id_name").fill("typed before")
    name = end_session()
    banner = page.locator(".ud-session")
    expect(banner).to_have_text(
        "You are logged out. What you typed stays here. Log in in another tab, then save.Log in"
    )
    expect(banner.get_by_role("link", name="Log in")).to_have_attribute("target", "_blank")
    other = page.context.new_page()
    log_in_by_form(other, console, name, PASSWORD)
    expect(banner).to_have_text("You are logged in again.")
    assert page.evaluate("window.notReloaded")
    expect(page.locator("#id_name")).to_have_value("typed before")
    # The log-in has replaced the CSRF token, which the form has taken over.
    save(page)
    page.wait_for_url(f"**/{api.pk}/view/")
    api.refresh_from_db()
    assert api.name == "typed before"

    # A form that is sent before the page has noticed is kept, and shown again after the log-in.
    page.goto(f"{console}{APIS}{api.pk}/change/")
    page.locator("#id_description").fill("two lines")
    page.context.clear_cookies(name="sessionid")
    save(page)
    expect(page.get_by_role("heading", name="You are logged out.")).to_be_visible()
    log_in_by_form(other, console, name, PASSWORD)
    summary = page.locator("#form-summary")
    expect(summary).to_contain_text("You have logged in since you opened this page.")
    expect(page.locator("#id_description")).to_have_value("two lines")
    save(page)
    page.wait_for_url(f"**/{api.pk}/view/")
    api.refresh_from_db()
    assert api.description == "two lines"


def test_drafts_are_offered_again_and_hold_no_secret(visit, console):
    page = visit()
    add = "automation/credential/add/"
    page.goto(console + add)
    page.locator("#id_name").fill("mail")
    page.locator("#id_description").fill("typed for long")
    page.locator("#id_value").fill(SECRET)
    wait_for_draft(page, add)
    assert draft(page, add) == {"description": "typed for long"}
    assert SECRET not in page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    page.goto(console + add)
    page.get_by_role("button", name="Restore draft of").click()
    expect(page.locator("#id_description")).to_have_value("typed for long")
    page.locator("#id_name").fill("mail")
    page.locator("#id_value").fill(SECRET)
    save(page)
    page.wait_for_url("**/view/")
    page.wait_for_load_state()
    assert Credential.objects.get().description == "typed for long"
    assert draft(page, add) is None

    add = "automation/automationscript/add/"
    page.goto(console + add)
    page.locator(".cm-content").click()
    page.keyboard.insert_text("# a source\n")
    wait_for_draft(page, add)
    page.reload()
    page.get_by_role("button", name="Restore draft of").click()
    expect(page.locator(".cm-content")).to_contain_text("# a source")
    page.reload()
    page.get_by_role("button", name="Discard").click()
    assert draft(page, add) is None
    page.reload()
    expect(page.locator(".cm-content")).to_be_visible()
    expect(page.get_by_role("button", name="Restore draft of")).to_have_count(0)
    assert not AutomationScript.objects.exists()


def test_a_failed_save_leads_to_the_first_wrong_field(visit, console, publish):
    publish.script(name="the script")
    page = visit(viewport=PHONE)
    page.goto(f"{console}{APIS}add/")
    route, button = page.locator("#id_route"), page.get_by_role("button", name="Save", exact=True)
    # On a phone, too, Save is in view from the beginning, and nothing red beside it.
    expect(button).to_be_in_viewport(ratio=1)
    expect(page.locator("#submit-row")).not_to_contain_text("Delete")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    route.fill("a//b")
    page.mouse.wheel(0, 5_000)
    button.click()
    expect(page).to_have_title(re.compile("^Error: "))
    expect(route).to_be_focused()
    expect(route).to_be_in_viewport()
    summary = page.locator("#form-summary")
    expect(summary).to_contain_text("2 fields need a change: Route, Script")
    expect(page.get_by_text("The route has an empty segment")).to_have_count(1)
    expect(page.get_by_text("This field is required.")).to_have_count(1)
    summary.get_by_role("link", name="Script").click()
    script = page.get_by_role("combobox", name="Script")
    expect(script).to_be_focused()
    expect(script).to_have_attribute("aria-invalid", "true")
    expect(button).to_be_in_viewport(ratio=1)
    script.fill("the script")
    page.get_by_role("option", name="the script").click()
    route.fill("a/b")
    page.keyboard.press("Control+s")
    page.wait_for_url("**/view/")
    assert ApiDefinition.objects.get().route == "a/b"


def test_a_new_token_is_allowed_for_an_api_at_once(visit, console, publish, stack):
    api = publish(route="for/the/token")
    page = visit()
    page.goto(f"{console}tokens/apitoken/add/")
    expect(page.locator("#id_name")).to_be_focused()
    page.keyboard.insert_text("client")
    expect(page.get_by_text("None selected: no API allows the token yet")).to_be_visible()
    page.get_by_role("checkbox", name="for/the/token").check()
    expect(page.get_by_text("1 API selected")).to_be_visible()
    page.keyboard.press("Control+s")
    secret = page.locator("#secret").text_content()
    answer = api.call(stack.client, headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200
