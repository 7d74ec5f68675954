"""Whole tasks in the console, from beginning to end."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from access.policy import FLAGS
from definitions.models import ApiDefinition
from testbed.publisher import ECHO
from testbed.visitor import PREFIX, SEES, log_in_by_form
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
    page.locator("#list-rows").wait_for()


def make_token(page, name: str) -> str:
    """Fill in the form of a token; the secret that is shown then."""
    page.get_by_label("Name").fill(name)
    save(page)
    return str(page.locator("#secret").inner_text())


def test_from_the_first_start_to_the_first_answered_call(visit, console, stack, publish):
    User.objects.create_superuser(f"{PREFIX} the first", password="a long password 1")
    page = visit()
    page.context.clear_cookies()
    log_in_by_form(page, console, f"{PREFIX} the first", "a long password 1")
    page.get_by_role("link", name="Write a script").click()
    page.locator("#id_name").fill("hello")
    page.locator(".cm-content").click()
    page.keyboard.insert_text(ECHO)
    page.get_by_text("on_api_trigger").first.wait_for()
    save(page)
    page.locator("#list-rows").wait_for()
    page.goto(console)
    page.get_by_role("link", name="Create a token").click()
    secret = make_token(page, "first client")
    page.goto(console)
    page.get_by_role("link", name="Publish as API").click()
    configure(page, "first/call", "hello", "first client")
    page.goto(f"{console}trigger/")
    page.get_by_role("combobox", name="Definition", exact=True).click()
    page.get_by_role("option").filter(has_text="first/call").click()
    page.get_by_label("Body", exact=True).fill('"hello"')
    page.get_by_label("Over HTTP").check()
    page.get_by_label("Secret of a token").fill(secret)
    page.get_by_role("button", name="Trigger", exact=True).click()
    page.get_by_role("heading", name="Success: the script answered 200").wait_for()
    called = stack.client.post("/api/custom/first/call", headers={"Authorization": f"Bearer {secret}"}, json="hello")
    assert (called.status_code, called.text) == (200, '"hello"')


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
    page.locator("#list-rows").get_by_text("short-lived").first.wait_for()
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
    page.locator("#list-rows").wait_for()
    page.goto(f"{console}tokens/apitoken/{token.pk}/delete/")
    page.locator("#content form[method=post] [type=submit]").first.click()
    page.locator("#list-rows").wait_for()
    assert not ApiToken.objects.filter(pk=token.pk).exists()


@pytest.mark.parametrize("flag", sorted(FLAGS))
def test_a_user_with_one_flag_sees_exactly_its_part(visit, publish, console, flag):
    publish()
    page = visit(flag)
    page.goto(console)
    menu = page.locator("#nav-sidebar-apps").get_by_role("link")
    assert [text.split("\n")[-1].strip() for text in menu.all_inner_texts()] == SEES.get(
        flag, ["Overview", "Personal keys"]
    )
    for name, address in {
        "Definitions": "definitions/apidefinition/",
        "Tokens": "tokens/apitoken/",
        "Scripts": "automation/automationscript/",
        "Credentials": "automation/credential/",
        "Trigger": "trigger/",
        "Events": "events/informationevent/",
        "Nodes": "automation/workernode/",
        "Users": "auth/user/",
    }.items():
        expected = 200 if name in SEES.get(flag, []) else 403
        assert page.request.get(console + address).status == expected, name
    for address in ("definitions/apidefinition/add/", "tokens/apitoken/add/", "automation/automationscript/add/"):
        assert page.request.get(console + address).status == 403, address


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
    one.locator("#list-rows").wait_for()
    two.locator(".ud-notice").wait_for()
    two.get_by_role("button", name="Keep editing").click()
    save(two)
    two.get_by_role("button", name="Overwrite with mine").click()
    two.locator("#list-rows").get_by_text("from two").wait_for()
    api.definition.refresh_from_db()
    assert api.definition.name == "from two"


def test_the_menu_works_with_the_keyboard_alone_on_a_small_screen(visit, console):
    page = visit(viewport={"width": 360, "height": 740})
    page.goto(console)
    page.get_by_role("button", name="Menu").first.focus()
    page.keyboard.press("Enter")
    link = page.locator("#nav-sidebar-apps").get_by_role("link", name="Nodes")
    link.wait_for()
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/automation/workernode/")


def test_times_are_the_browsers_own_with_utc_on_hover(visit, publish, console):
    publish.script(name="timed")
    page = visit(timezone_id="Asia/Tokyo", locale="en-US")
    page.goto(f"{console}events/informationevent/")
    time = page.locator("time[data-local-time]").first
    utc = time.get_attribute("title")
    assert utc.endswith("UTC")
    shown = page.evaluate(
        "(element) => new Date(element.dateTime).toLocaleTimeString('en-US', {timeZone: 'Asia/Tokyo'})",
        time.element_handle(),
    )
    assert shown.replace("\u202f", " ") in time.inner_text().replace("\u202f", " ")
