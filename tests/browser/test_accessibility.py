"""axe-core finds nothing serious on any page, in either theme, at either width."""

import itertools
from importlib.resources import files

import pytest

from tests.browser.test_every_page import PAGES

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
GRAVE = ("serious", "critical")


def findings(page) -> list[str]:
    """What axe-core holds against the page as it is now."""
    # A second context of scripts: the page's policy does not hold there, and its own scripts do not see it.
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)")
    return [
        f"{page.url}: {each['id']} ({each['impact']}): {[node['html'][:160] for node in each['nodes'][:3]]}"
        for each in found
        if each["impact"] in GRAVE
    ]


@pytest.fixture(params=["light", "dark"])
def look(visit, request):
    """Opens pages in a theme, at both widths alternately, and gathers what axe-core finds."""
    page = visit(color_scheme=request.param, reduced_motion="reduce")
    widths = itertools.cycle([360, 1920])

    def look(*addresses: str) -> list[str]:
        wrong = []
        for address in addresses:
            page.set_viewport_size({"width": next(widths), "height": 900})
            page.goto(address)
            wrong += findings(page)
            width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert width <= 0, f"{address} is too wide by {width}"
        return wrong

    return look


def test_no_page_has_serious_findings(look, publish, console):
    api = publish(parameters=["channel"], route="encoders/{id}/status")
    publish.token(name="off", is_disabled=True)
    objects = [
        f"{model}/{pk}/{kind}/"
        for model, pk in (
            ("definitions/apidefinition", api.definition.pk),
            ("tokens/apitoken", api.token.pk),
            ("automation/automationscript", api.definition.script_id),
        )
        for kind in ("view", "raw", "change", "history", "delete")
    ]
    wrong = look(*(console + page for page in [*PAGES, "trigger/", *objects]))
    assert not wrong, "\n".join(wrong)


def test_the_door_has_no_serious_findings(chromium, console):
    for theme in ("light", "dark"):
        page = chromium.new_page(color_scheme=theme)
        page.goto(console)
        wrong = findings(page)
        page.close()
        assert not wrong, "\n".join(wrong)
