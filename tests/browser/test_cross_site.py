"""A browser that knows a password for HTTP Basic, and a page of another site that makes use of it."""

from base64 import b64encode

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page

from testbed.people import remove_users
from tokens.models import ApiToken

PASSWORD = "correct-horse-battery-staple"
OTHER_SITE = "http://other-site.example/"
FORM = """<form method="post" enctype="text/plain" action="{}"></form>"""
SUBMIT = "document.forms[0].submit()"
OWN_PAGE = "api/management/docs/"
FETCH = "address => fetch(address, {method: 'POST'}).then(answer => answer.status)"


@pytest.fixture
def page(chromium, stack):
    """A browser without a session."""
    context = chromium.new_context(base_url=f"{stack.url}/")
    yield context.new_page()
    context.close()


@pytest.fixture
def joe(stack):
    """A superuser."""
    user = User.objects.create_superuser("joe", password=PASSWORD)
    yield user
    remove_users(pk=user.pk)


def _post_from_another_site(page: Page, address: str) -> int:
    page.route(f"{OTHER_SITE}**", lambda route: route.fulfill(body=FORM.format(address), content_type="text/html"))
    page.goto(OTHER_SITE)
    with page.expect_navigation(url=address) as answer:
        page.evaluate(SUBMIT)
    return int(answer.value.status)


def _is_disabled(token: ApiToken) -> bool:
    return bool(ApiToken.objects.values_list("is_disabled", flat=True).get(pk=token.pk))


def test_only_the_own_site_can_use_a_remembered_password(page, stack, publish, joe):
    token, _ = publish.token()
    address = f"{stack.url}/api/management/tokens/{token.pk}/disable/"
    remembered = b64encode(f"joe:{PASSWORD}".encode()).decode()
    page.set_extra_http_headers({"Authorization": f"Basic {remembered}"})
    assert _post_from_another_site(page, address) == 403
    assert not _is_disabled(token)
    page.goto(OWN_PAGE)
    assert page.evaluate(FETCH, address) == 200
    assert _is_disabled(token)
