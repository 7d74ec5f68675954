"""Every page of the console opens, and axe-core finds nothing serious on it, in either theme, at either width."""

from contextlib import suppress
from datetime import timedelta
from importlib.resources import files

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from playwright.sync_api import expect

from keys.changes import create_key
from runs.models import Run, RunLog
from search.models import Mirror
from testbed.statistics_rows import add_samples
from testbed.visitor import PREFIX
from tests.automation.stored_credentials import stored_credential
from tests.browser.test_every_page import PAGES
from tests.runs.statistics.stored import store_calls

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
GRAVE = ("serious", "critical")
THEMES = ("light", "dark")
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules whose findings depend on the theme."""
# As on load: no transition from one colour to the other is under way.
FOLLOW_THE_SYSTEM = """
async () => {
  const data = Alpine.$data(document.documentElement);
  for (const theme of ['', 'auto']) {
    data.adminTheme = theme;
    await Alpine.nextTick();
  }
  document.getAnimations().filter((each) => each instanceof CSSTransition).forEach((each) => each.finish());
}
"""
# `preload` fetches every style sheet again, for rules that are off (orientation) or not grave (media that play). The
# impact of a rule is that of all of its findings.
RUN_AXE = """
async (only) => {
  const mild = axe._audit.rules.filter((rule) => ['minor', 'moderate'].includes(rule.impact));
  const rules = Object.fromEntries(mild.map((rule) => [rule.id, {enabled: false}]));
  return (await axe.run(document, {resultTypes: ['violations'], preload: false, rules, ...only})).violations;
}
"""
WIDTHS = (360, 1024, 1280, 1920)
SETTLED_MILLISECONDS = 5_000
TOO_WIDE = """
[...document.querySelectorAll('html, #content *')]
  .filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 1)
  .filter((each) => each.matches('html') || /auto|scroll/.test(getComputedStyle(each).overflowX))
  .map((each) => `${each.tagName}.${each.className}: ${each.scrollWidth} in ${each.clientWidth}`)
"""
"""Elements that scroll sideways in a list."""


def findings(page) -> list[str]:
    """What axe-core finds on the page as it is now, in either theme: all rules in one of them, which differs with the
    width, and in the other the rules about colours.
    """
    # A click does not wait for the scripts of the page that it leads to.
    page.wait_for_load_state()
    # A second context of scripts: the page's policy does not hold there, and its own scripts do not see it.
    page.evaluate(AXE)
    first, second = THEMES if page.viewport_size["width"] < WIDTHS[1] else reversed(THEMES)
    return _findings(page, first, {}) + _findings(page, second, {"runOnly": COLOURS})


def _findings(page, theme: str, rules: dict[str, list[str]]) -> list[str]:
    page.emulate_media(color_scheme=theme)
    page.evaluate(FOLLOW_THE_SYSTEM)
    assert (page.locator("html.dark").count() == 1) == (theme == "dark"), page.url
    found = page.evaluate(RUN_AXE, rules)
    return [
        f"{page.url} ({theme}): {each['id']} ({each['impact']}): {[node['html'][:160] for node in each['nodes'][:3]]}"
        for each in found
        if each["impact"] in GRAVE
    ]


@pytest.fixture
def look(visit):
    """Opens half of the pages at one width, the others at another, and gathers what axe-core finds."""
    page = visit(reduced_motion="reduce")

    def look(*addresses: str) -> list[str]:
        wrong = []
        for number, address in sorted(enumerate(addresses), key=lambda one: one[0] % 2):
            # Each change of the size draws the page once more.
            page.set_viewport_size({"width": 1920 if number % 2 else 360, "height": 900})
            response = page.goto(address)
            assert response.status == (404 if address.endswith("nothing/") else 200), address
            assert page.locator("h1").count() >= 1, address
            wrong += findings(page)
            width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert width <= 0, f"{address} is too wide by {width}"
        return wrong

    return look


TABS = {
    "definitions/apidefinition": ("runs", "access", "settings"),
    "tokens/apitoken": ("rotate", "limits", "usage"),
    "automation/automationscript": ("runs",),
}
"""The pages that only some objects have."""


def make_runs(api) -> tuple[Run, Run]:
    """A run that has failed, with whatever a run can have, and one that has succeeded."""
    definition = api.definition
    called = {"definition_id": definition.pk, "route": definition.route, "called_route": "encoders/7/status"}
    called |= {"script_id": definition.script_id, "script_name": definition.script.name, "script_version": 1}
    known = called | {"kind": "Trigger", "authority": 3, "method": "Post", "token_id": api.token.pk, "node": 1}
    times = {"queue_milliseconds": 40, "run_milliseconds": 300, "total_milliseconds": 360}
    good = Run.objects.create(status="Succeeded", response_code=404, **known, **times)
    script = f'  File "<script {definition.script.name}>", line 2, in on_api_trigger'
    message = f"KeyError: 1\nTraceback (most recent call last):\n{script}\nKeyError: 1"
    error = {"error_code": 12, "reason": "AutomationActionError", "message": message, "parent_id": good.pk}
    failed = Run.objects.create(status="Failed", has_log=True, has_bodies=True, **known, **times, **error)
    Run.objects.create(**known | {"status": "Cancelled", "kind": "Subscript", "parent_id": failed.pk})
    RunLog.objects.create(run_id=failed.pk, text="12\tfirst line\n1042\tsecond line\n")
    return failed, good


def test_no_page_has_serious_findings(look, publish, console, no_runs):
    api = publish(parameters=["channel"], route="encoders/{id}/status")
    publish.token(name="off", is_disabled=True)
    group = Group.objects.create(name="visitors' group")
    user = User.objects.get(username__startswith=PREFIX)
    people = [f"auth/group/{group.pk}/{kind}/" for kind in ("change", "history", "delete")]
    people += [f"auth/user/{user.pk}/{kind}/" for kind in ("change", "history", "delete", "password")]
    key, _ = create_key(user, "ci", 1)
    people += [f"keys/personalkey/{key.pk}/{kind}/" for kind in ("change", "delete")]
    objects = [
        f"{model}/{pk}/{kind}/"
        for model, pk in (
            ("definitions/apidefinition", api.definition.pk),
            ("tokens/apitoken", api.token.pk),
            ("automation/automationscript", api.definition.script_id),
            ("automation/credential", stored_credential(scripts=[api.definition.script]).pk),
        )
        for kind in ("view", "raw", "change", "history", "delete", *TABS.get(model, ()))
    ]
    store_calls(api.definition, timedelta(minutes=5), succeeded=2, failed=1)
    add_samples({1: 4}, hours=2)
    failed, good = make_runs(api)
    others = ["trigger/", "password_change/done/", "nothing/", "runs/?status=Failed&code=x", f"runs/{failed.pk}/"]
    others += [f"runs/{failed.pk}/bodies/", f"runs/{failed.pk}/compare/", f"runs/{failed.pk}/compare/?with={good.pk}"]
    others += [f"runs/{failed.pk}/{kind}/" for kind in ("again", "cancel")] + [f"runs/again/{api.definition.pk}/"]
    wrong = look(*(console + page for page in [*PAGES, *others, *objects, *people]))
    group.delete()
    assert not wrong, "\n".join(wrong)


def test_log_in_log_out_and_403_have_no_serious_findings(visit, console):
    page = visit("tokens.ui_available", reduced_motion="reduce")
    page.goto(f"{console}auth/user/")
    expect(page.get_by_role("heading", name="You don't have access.")).to_be_visible()
    wrong = findings(page)
    page.goto(console)
    page.locator("form[action$='logout/']").evaluate("(form) => form.submit()")
    page.get_by_role("link", name="Log in again").wait_for()
    wrong += findings(page)
    page.goto(console)
    wrong += findings(page)
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill("nothing")
    page.get_by_role("button", name="Log in").click()
    page.get_by_text("Please enter a correct username").wait_for()
    wrong += findings(page)
    assert not wrong, "\n".join(wrong)


def test_error_pages_and_secrets_have_no_serious_findings(visit, publish, console):
    """A mirror that does not answer, a list that finds nothing, forms that are refused, secrets that are shown."""
    publish(route="taken")
    page = visit(reduced_motion="reduce", viewport={"width": 360, "height": 800})
    Mirror.objects.update_or_create(pk=1, defaults={"is_on": True, "failure": "ConnectionError"})
    page.goto(console)
    page.get_by_text("Elasticsearch does not answer").first.wait_for()
    wrong = findings(page)
    Mirror.objects.all().delete()
    page.goto(f"{console}tokens/apitoken/?q=nothing+like+this")
    wrong += findings(page)
    for model in ("definitions/apidefinition", "automation/automationscript", "auth/user"):
        page.goto(f"{console}{model}/add/")
        page.locator("form[novalidate], #content-main form").first.evaluate("(form) => (form.noValidate = true)")
        page.locator("[name=_save]").click()
        page.get_by_text("This field is required.").first.wait_for()
        wrong += findings(page)
    for model in ("tokens/apitoken", "keys/personalkey"):
        page.goto(f"{console}{model}/add/")
        page.get_by_label("Name").first.fill("made")
        page.locator("[name=_save]").click()
        page.locator("#secret").wait_for()
        wrong += findings(page)
        page.reload()
        page.get_by_text("was shown already").wait_for()
        wrong += findings(page)
    assert not wrong, "\n".join(wrong)


def test_no_list_scrolls_sideways(visit, publish, console):
    name = "A-Name-Of-Many-Letters-And-No-Space " * 3
    token = publish.token(name=name)
    api = publish(route="regions/{region}/channels/{channel}/programmes/{programme}/restart", token=token)
    api.definition.description = "A description that goes on for rather more than a line. " * 4
    api.definition.save()
    stored_credential(name, scripts=[publish.script(name=f"{number} {name}") for number in range(4)])
    page = visit()
    for address in [address for address in PAGES if address.count("/") == 2]:
        page.goto(console + address)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            # Fonts that are first needed at this width, and what changes its size gradually, take a moment.
            with suppress(PlaywrightTimeoutError):
                page.wait_for_function(f"({TOO_WIDE}).length === 0", timeout=SETTLED_MILLISECONDS)
            assert page.evaluate(TOO_WIDE) == [], (address, width)
