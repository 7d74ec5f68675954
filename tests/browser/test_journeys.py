"""Whole tasks in the console, from beginning to end."""

import re
from typing import Literal

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from definitions.models import ApiDefinition
from testbed.publisher import ECHO
from testbed.visitor import PREFIX, log_in_by_form
from tokens.models import ApiToken


def save(page) -> None:
    page.locator("[name=_save]").click()


def configure(page, route: str, script: str, token: str) -> None:
    """Fill in the form of a definition."""
    page.get_by_label("Route").fill(route)
    page.get_by_text("This route is free").wait_for()
    picker = page.get_by_role("combobox", name="Script")
    picker.fill(script)
    page.get_by_role("option").filter(has_text=script).first.wait_for()
    picker.press("ArrowDown")
    picker.press("Enter")
    page.get_by_role("checkbox", name=token).check()
    save(page)
    page.wait_for_url("**/view/")


def make_token(page, name: str) -> str:
    """Fill in the form of a token; the secret that is shown then."""
    page.locator("#id_name").fill(name)
    save(page)
    return str(page.locator("#secret").inner_text())


def page_at(address: str) -> str:
    """The page at `address`: tabs of one object are one page, and so is the editor before and after its first save."""
    kind, _, rest = address.partition("/")
    if address.startswith("definitions/apidefinition/"):
        return "form of an API" if "/add/" in address else "API"
    return {"automation": "script", "": ""}.get(kind, f"{kind} {rest}")


def test_from_nothing_to_the_first_answer_of_an_own_api(visit, console, publish, stored):
    """At most six clicks; besides the overview three pages: the script's, the form of the API, and the API's."""
    name = f"{PREFIX} the first"
    User.objects.create_superuser(name, password="a long password 1")
    page = visit()
    page.context.clear_cookies()
    log_in_by_form(page, console, name, "a long password 1")
    page.get_by_role("heading", name="First steps").wait_for()
    clicks: list[str] = []
    seen: list[str] = []
    page.on("framenavigated", lambda frame: seen.append(page_at(frame.url.removeprefix(console))))

    def click(role: Literal["link", "button"], title: str) -> None:
        clicks.append(title)
        page.get_by_role(role, name=title, exact=True).first.click()

    click("link", "Write a script")
    page.locator("#id_name").fill("hello")
    page.get_by_text("on_api_trigger").first.wait_for()
    click("button", "Save")
    click("link", "Publish as API")
    expect(page.get_by_role("combobox", name="Script")).to_have_value("hello")
    page.get_by_label("Route").fill("first/call")
    click("button", "Save")
    click("link", "Try it")
    page.get_by_label("Body", exact=True).fill('"hello"')
    click("button", "Trigger")
    page.get_by_role("heading", name="Success: the script answered 200").wait_for()
    assert len(clicks) <= 6, clicks
    assert {each for each in seen if each} == {"script", "form of an API", "API"}
    run_page = page.get_by_role("link", name="Open the run").first.get_attribute("href")
    stored(run_page.rstrip("/").rpartition("/")[2])
    page.goto(console)
    page.get_by_role("heading", name="Recent changes").wait_for()
    expect(page.get_by_role("heading", name="First steps")).to_have_count(0)
    changes = page.locator("#start-events")
    expect(changes.get_by_role("link", name="first/call")).to_be_visible()
    expect(changes.locator("time").first).to_have_text(re.compile(r"just now|\d+ min ago"))
    expect(changes.locator("time").first).to_have_attribute("title", re.compile(r".+ \(.+ UTC\)"))


def test_publishing_an_existing_script(visit, console, stack, publish):
    script = publish.script(name="already there")
    token, secret = publish.token(name="its client")
    page = visit()
    page.goto(f"{console}automation/automationscript/{script.pk}/change/")
    page.get_by_role("link", name="Publish as API").click()
    expect(page.get_by_role("combobox", name="Script")).to_have_value("already there")
    configure(page, "now/published", "already there", "its client")
    page.get_by_text("now/published").first.wait_for()
    assert list(ApiDefinition.objects.get(route="now/published").allowed_tokens.all()) == [token]
    called = stack.client.post("/api/custom/now/published", headers={"Authorization": f"Bearer {secret}"}, json=1)
    assert called.status_code == 200


def test_the_life_of_a_token(visit, console, stack, publish):
    api = publish(ECHO)
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{console}tokens/apitoken/add/")
    secret = make_token(page, "short-lived")
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_text("Copied", exact=True).wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == secret

    def status() -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        return int(stack.client.post(api.path, headers=headers, json=1).status_code)

    assert status() == 401
    form = f"{console}definitions/apidefinition/{api.definition.pk}/change/"
    page.goto(form)
    page.get_by_label("Search tokens by name").fill("short-lived")
    page.get_by_role("checkbox", name="short-lived").check()
    save(page)
    page.wait_for_url("**/view/")
    assert status() == 200
    page.goto(f"{console}tokens/apitoken/")
    page.get_by_role("switch", name="short-lived is enabled").click()
    page.get_by_role("switch", name="short-lived is enabled", checked=False).wait_for()
    assert status() == 401
    token = ApiToken.objects.get(name="short-lived")
    page.goto(f"{console}tokens/apitoken/{token.pk}/delete/")
    page.get_by_text(api.definition.route).first.wait_for()
    assert page.locator("form[method=post] [type=submit]").get_by_text("delete").count() == 0
    page.goto(form)
    page.get_by_role("checkbox", name="short-lived").uncheck()
    save(page)
    page.wait_for_url("**/view/")
    page.goto(f"{console}tokens/apitoken/{token.pk}/delete/")
    page.locator("#content form[method=post] [type=submit]").first.click()
    page.locator("#list-rows").wait_for()
    assert not ApiToken.objects.filter(pk=token.pk).exists()


@pytest.mark.parametrize(
    ("flags", "address"),
    [
        (("tokens.ui_available", "tokens.add_edit"), "tokens/apitoken/"),
        (("automation.ui_available", "automation.add_edit"), "automation/automationscript/"),
        (("definitions.ui_available", "definitions.add_edit", "automation.execute"), "definitions/apidefinition/"),
    ],
)
def test_who_may_add_finds_the_way_and_who_may_only_look_does_not(visit, publish, console, flags, address):
    publish()
    looking, adding = visit(flags[0]), visit(*flags)
    for page, expected in ((looking, 403), (adding, 200)):
        page.goto(console + address)
        assert (page.locator(f"a[href*='{address}add/']").count() > 0) == (expected == 200)
        assert page.request.get(f"{console}{address}add/").status == expected
    with looking.expect_navigation():
        looking.locator("#list-rows a").first.click()
    assert looking.locator("[name=_save]").count() == 0


def test_the_later_of_two_editors_may_overwrite(visit, publish, console):
    api = publish(route="contested/route")
    one, two = visit(), visit()
    form = f"{console}definitions/apidefinition/{api.definition.pk}/change/"
    for page, name in ((one, "from one"), (two, "from two")):
        page.goto(form)
        page.locator("#id_name").fill(name)
    save(one)
    one.wait_for_url("**/view/")
    two.locator(".ud-notice").wait_for()
    two.get_by_role("button", name="Keep editing").click()
    save(two)
    two.get_by_role("button", name="Overwrite with mine").click()
    two.get_by_role("heading", name="from two").wait_for()
    api.definition.refresh_from_db()
    assert api.definition.name == "from two"


def test_times_are_the_browsers_own_with_utc_on_hover(visit, publish, console):
    publish.script(name="timed")
    page = visit(timezone_id="Asia/Tokyo", locale="en-US")
    page.goto(f"{console}events/informationevent/")
    time = page.locator("#list-rows time").first
    expect(time).to_have_attribute("title", re.compile(r"UTC\)$"))
    shown = page.evaluate(
        "(element) => new Date(element.dateTime).toLocaleTimeString('en-US', {timeZone: 'Asia/Tokyo'})",
        time.element_handle(),
    )
    assert shown.replace("\u202f", " ") in time.get_attribute("title").replace("\u202f", " ")
