"""A credential in the browser: stored, granted, used by a script, given another value, deleted."""

import hashlib

from playwright.sync_api import expect

from automation.models import Credential
from tests.automation.stored_credentials import VALUE

LIST = "automation/credential/"
DIGEST = """
import hashlib
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    return ApiTriggerOutput.json(hashlib.sha256(engine.credential("smtp").encode()).hexdigest())
"""
PEM = "-----BEGIN PRIVATE KEY-----\nbGluZSBvbmU=\n-----END PRIVATE KEY-----\n"
MASK = "(field) => getComputedStyle(field).webkitTextSecurity"


def digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def test_a_credential_is_stored_granted_used_changed_and_deleted(visit, publish, stack):
    api = publish(DIGEST, name="mails", route="tests/digest")
    page = visit()
    page.goto(f"{LIST}add/")
    page.get_by_label("Name").fill("smtp")
    value = page.get_by_role("textbox", name="Value")
    value.fill(VALUE)
    assert value.evaluate(MASK) == "disc"
    page.get_by_label("Show what I type").check()
    assert value.evaluate(MASK) == "none"
    page.get_by_label("Search scripts").fill("mai")
    page.get_by_label("mails").check()
    expect(page.get_by_text("1 script selected")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/view/")
    assert api.call(stack.client).json() == digest(VALUE)

    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("mails")).to_be_checked()
    expect(value).to_have_value("")
    value.fill(PEM)
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/view/")
    assert api.call(stack.client).json() == digest(PEM)
    page.go_back()
    expect(value).to_have_value("")

    page.goto(f"automation/automationscript/{api.definition.script_id}/credentials/")
    page.get_by_role("link", name="smtp").click()
    expect(page.get_by_role("link", name="mails")).to_be_visible()
    page.goto(f"{LIST}{Credential.objects.get().pk}/delete/")
    expect(page.get_by_text("these scripts lose it: mails")).to_be_visible()
    page.get_by_role("button", name="Delete credential").click()
    page.wait_for_url(f"**/{LIST}")
    assert api.call(stack.client).status_code == 500
