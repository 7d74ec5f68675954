"""What surrounds every page, with the keyboard alone: the menu, the search, what can be created, help."""

import re

from playwright.sync_api import expect

NARROW = {"width": 375, "height": 740}


def test_shell_works_with_the_keyboard_alone(visit, publish, console):
    api = publish(route="shell/{id}/status")
    page = visit(viewport={"width": 1280, "height": 800})
    page.goto(f"{console}tokens/apitoken/")
    page.wait_for_load_state()

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    expect(page.get_by_role("navigation", name="Menu").locator("[aria-current=page]")).to_have_text(
        re.compile("Tokens")
    )

    page.keyboard.press("?")
    help_dialog = page.get_by_role("dialog", name="Help")
    expect(help_dialog.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    expect(help_dialog.get_by_role("link", name="Management API", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(help_dialog).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_role("main").get_by_role("searchbox")).to_be_focused()
    # A field that has the focus takes these keys as text.
    page.keyboard.type("g?")
    expect(help_dialog).to_be_hidden()

    opener = page.get_by_role("button", name="New…")
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="API", exact=True)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Script", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    expect(page.get_by_role("link", name="New token")).to_be_visible()

    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="APIs, scripts, tokens")
    expect(field).to_be_focused()
    expect(page.get_by_role("option", name="Overview")).to_have_attribute("aria-selected", "true")
    page.keyboard.insert_text("shell/{id}")
    option = page.get_by_role("option", name="shell/{id}/status")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", option.get_attribute("id"))
    with page.context.expect_page() as opened:
        page.keyboard.press("Control+Enter")
    expect(opened.value).to_have_url(f"{console}definitions/apidefinition/{api.definition.pk}/view/")
    opened.value.close()
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()

    page.keyboard.press("Control+k")
    page.keyboard.insert_text("switch between")
    expect(page.get_by_role("dialog", name="Search").get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("html.dark")).to_have_count(1)
    opener.focus()
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/definitions/apidefinition/")


def test_menu_is_a_drawer_on_a_narrow_screen(visit, console):
    page = visit(viewport=NARROW)
    page.goto(console)
    page.wait_for_load_state()
    opener = page.get_by_role("button", name="Menu", exact=True)
    drawer = page.get_by_role("dialog", name="Menu")
    expect(page.get_by_role("navigation", name="Menu")).to_be_hidden()
    opener.focus()
    page.keyboard.press("Enter")
    expect(drawer).to_be_visible()
    expect(drawer.get_by_role("link", name="Overview")).to_be_focused()
    # The focus goes round in the drawer; the page behind is out of reach.
    reached = []
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.closest('#menu, #main')?.id ?? ''"))
    assert "menu" in reached
    assert "main" not in reached
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    drawer.get_by_role("link", name="Nodes & queue").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/automation/workernode/")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
