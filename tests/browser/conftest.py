"""The console in a real Chromium against the running stack: `visit(…)` opens it as a user."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from testbed.chromium import CHROMIUM, launch
from testbed.visitor import PATIENCE, Profiles, Visitor, remove_users
from tests.runs.conftest import no_runs, stored  # noqa: F401  fixtures


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip these tests without Chromium; in CI they fail instead."""
    if CHROMIUM or os.environ.get("CI") == "true":
        return
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="needs Chromium: apt install chromium"))


@pytest.fixture(scope="package")
def chromium():
    """The browser.

    Playwright's event loop runs in the thread of the tests, where Django would refuse to touch the database.
    """
    assert CHROMIUM, "needs Chromium: apt install chromium"
    expect.set_options(timeout=PATIENCE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with sync_playwright() as playwright:
            browser = launch(playwright)
            yield browser
            browser.close()


@pytest.fixture(scope="package")
def profiles(chromium):
    """The contexts of the browser."""
    return Profiles(chromium)


@pytest.fixture
def console(stack):
    """The address of the running console, and the database open for the test."""
    yield f"{stack.url}/console/"
    remove_users()


@pytest.fixture
def visit(profiles, console):
    """Opens a browser of its own for a user: `visit("tokens.ui_available", …)` with exactly these flags, or
    `visit()` for a superuser; `at` another console. The test fails on whatever a page logs as an error (a refused
    request is none), on a violation of the policy and on a request to another host.
    """
    visitors: list[Visitor] = []

    def visit(*flags: str, at: str = console, **options: object) -> Page:
        visitors.append(Visitor(profiles, at, flags, options))
        return visitors[-1].page

    yield visit
    for visitor in visitors:
        visitor.leave()
    wrong = [line for visitor in visitors for line in visitor.wrong]
    assert not wrong, "\n".join(wrong)
