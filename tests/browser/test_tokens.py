"""Tokens in the browser: made, copied, used, switched, rotated, refused to be deleted."""

import pytest
from django.contrib.auth.models import Permission
from playwright.sync_api import expect

from events import positions
from tokens.models import ApiToken

LIST = "tokens/apitoken/"
COPYING = {"permissions": ["clipboard-read", "clipboard-write"]}


@pytest.fixture
def page(visit):
    """A superuser's browser, which may use the clipboard."""
    return visit(**COPYING)


def is_disabled(token: ApiToken) -> bool:
    return bool(ApiToken.objects.values_list("is_disabled", flat=True).get(pk=token.pk))


def test_a_token_is_made_copied_used_disabled_refused_and_deleted_when_it_is_free(page, publish, stack):
    page.goto(f"{LIST}add/")
    expect(page.locator("#id_rate_limit")).to_have_value("60")
    page.get_by_label("Name", exact=False).first.fill("client")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("This secret is shown only once.")).to_be_visible()
    secret = page.locator("#secret").text_content()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    token = ApiToken.objects.get(name="client")
    api = publish(route="tests/token", token=(token, secret))
    assert api.call(stack.client).status_code == 200

    page.reload()
    expect(page.get_by_text("was shown already")).to_be_visible()
    assert secret not in page.content()

    page.goto(LIST)
    page.get_by_role("switch").click()
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    expect(page.get_by_role("switch")).to_be_focused()
    assert api.call(stack.client).status_code == 401

    page.goto(f"{LIST}{token.pk}/delete/")
    page.get_by_role("link", name="tests/token").click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("client", exact=False).uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/view/**")
    page.goto(f"{LIST}{token.pk}/delete/")
    page.locator("#content-main, #content").get_by_role("button").last.click()
    page.wait_for_url(f"**/{LIST}")
    assert not ApiToken.objects.exists()


def test_the_menu_of_a_row_works_with_mouse_and_keyboard(page, publish):
    token, _ = publish.token(name="one")
    page.goto(LIST)
    opener, menu = page.get_by_role("button", name="Actions for one"), page.get_by_role("menu", name="one")
    opener.click(button="right")
    expect(menu.get_by_role("menuitem")).to_have_text(
        ["Open", "Edit", "Show its APIs", "Show its runs", "Rotate secret", "Copy id", "Disable", "Delete…"]
    )
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    expect(menu.get_by_role("menuitem", name="Open")).to_be_focused()
    menu.get_by_role("menuitem", name="Copy id").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("(id) => navigator.clipboard.readText().then((text) => text === id)", arg=str(token.pk))
    expect(menu).to_be_hidden()
    expect(opener).to_be_focused()
    page.keyboard.press("ArrowDown")
    menu.get_by_role("menuitem", name="Disable").press("Enter")
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    assert is_disabled(token)
    opener.click()
    menu.get_by_role("menuitem", name="Rotate secret").click()
    page.wait_for_url("**/rotate/")


def test_a_rotated_secret_is_shown_once(page, publish, stack):
    api = publish()
    page.goto(f"{LIST}{api.token.pk}/rotate/")
    page.get_by_role("button", name="Rotate secret").click()
    secret = page.locator("#secret").text_content()
    assert api.call(stack.client).status_code == 401
    assert api.call(stack.client, headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    page.reload()
    expect(page.get_by_text("The secret was not rotated")).to_be_visible()
    assert api.call(stack.client, headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_a_switch_that_is_refused_meanwhile_says_so(visit, publish):
    token, _ = publish.token()
    # An event without its place comes after the page, which then takes the switch away before it is clicked.
    positions.give()
    page = visit("tokens.ui_available", "tokens.add_edit")
    page.goto(LIST)
    Permission.objects.get(codename="add_edit", content_type__app_label="tokens").user_set.clear()
    page.get_by_role("switch").click()
    expect(page.get_by_role("switch")).to_have_count(0)
    assert not is_disabled(token)
