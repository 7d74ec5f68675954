"""Lists in the browser: columns, saved filters and bulk actions, on a wide page and on a phone."""

import re

from playwright.sync_api import expect

from definitions.models import ApiDefinition
from tokens.models import ApiToken

LIST = "definitions/apidefinition/"


def disabled() -> list[str]:
    return list(ApiDefinition.objects.filter(is_disabled=True).order_by("route").values_list("route", flat=True))


def test_columns_saved_filters_and_many_rows_at_once(visit, publish):
    for number in range(27):
        publish(route=f"lists/{number:02}", token=publish.token(name=f"token {number:02}"))
    page = visit()
    page.goto(LIST)
    rows, headings = page.locator("tr.data-row"), page.get_by_role("columnheader")
    expect(page.get_by_role("status").filter(has_text="27 APIs")).to_be_visible()

    # Columns and page size are remembered.
    page.locator("[data-columns] summary").click()
    page.get_by_role("checkbox", name="Created by").check()
    expect(headings.filter(has_text="Created by")).to_be_visible()
    page.get_by_role("checkbox", name="Tokens", exact=True).uncheck()
    expect(headings.filter(has_text="Tokens")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_label("Rows per page").select_option("25")
    expect(rows).to_have_count(25)
    page.reload()
    expect(rows).to_have_count(25)
    expect(headings.filter(has_text="Created by")).to_be_visible()
    page.get_by_role("link", name="Route").click()
    expect(page.get_by_role("columnheader", name="Route")).to_have_attribute("aria-sort", "ascending")

    # Filters under a name, removed one by one.
    page.get_by_role("searchbox").fill("lists/1")
    expect(page.get_by_role("status").filter(has_text="10 of 27 APIs")).to_be_visible()
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("State").select_option("enabled")
    expect(page.get_by_role("link", name="State: Enabled")).to_be_visible()
    page.get_by_role("button", name="Save these filters…").click()
    page.get_by_label("Name of these filters").fill("tens")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="tens")).to_be_visible()
    page.get_by_role("link", name="State: Enabled").click()
    expect(page).to_have_url(re.compile(r"\?(?!.*state=).*q=lists%2F1"))
    page.goto(LIST)
    page.get_by_role("link", name="tens").click()
    expect(rows).to_have_count(10)

    # The list is as it was after a look at an object.
    page.get_by_role("link", name="lists/11", exact=True).click()
    expect(page).to_have_url(re.compile(r"/view/\?_changelist_filters="))
    page.go_back()

    # All that match, asked first, and taken back.
    page.get_by_label("Select all rows of this page").check()
    page.get_by_role("button", name="Disable…").click()
    expect(page.get_by_role("heading", name="Disable 10 APIs?")).to_be_visible()
    page.get_by_role("button", name="Disable 10 APIs").click()
    expect(page.get_by_text("10 APIs disabled.")).to_be_visible()
    assert len(disabled()) == 10
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("10 APIs enabled.")).to_be_visible()
    assert disabled() == []

    # A token for all, chosen with the search of its picker.
    page.goto(LIST)
    page.get_by_label("Select all rows of this page").check()
    page.get_by_role("button", name="Select all 27").click()
    page.get_by_role("button", name="Allow token…").click()
    page.get_by_label("Search tokens by name").fill("token 05")
    page.get_by_role("checkbox", name="token 05").check()
    page.get_by_role("button", name="Allow for 27 APIs").click()
    expect(page.get_by_text("26 APIs changed. 1 stayed as it was.")).to_be_visible()
    assert ApiToken.objects.get(name="token 05").api_definitions.count() == 27

    # One switch, taken back in the message.
    page.get_by_role("switch").first.click()
    expect(page.get_by_text("lists/00 disabled.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("lists/00 enabled.")).to_be_visible()
    assert disabled() == []


def test_a_phone_shows_two_lines_of_each_api(visit, publish):
    for number in range(50):
        publish(route=f"phone/{number:02}/with/a/route/that/is/much/longer/than/a/phone/is/wide")
    page = visit(viewport={"width": 375, "height": 812}, has_touch=True)
    page.goto(LIST)
    expect(page.locator("tr.data-row")).to_have_count(50)
    assert page.evaluate("document.documentElement.scrollHeight") <= 4_500
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.locator("input.action-select").first.check()
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.locator(".ud-filters summary").click()
    page.get_by_label("Sort by").select_option("-address")
    expect(page.locator("tr.data-row").first).to_contain_text("phone/49")
    page.get_by_role("button", name=re.compile("Actions for .*phone.49")).click()
    page.get_by_role("menuitem", name="Disable").click()
    expect(page.get_by_text("disabled.")).to_be_visible()
    assert len(disabled()) == 1
