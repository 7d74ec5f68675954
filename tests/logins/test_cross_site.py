"""Pages of other sites cannot use credentials that a browser remembers."""

import pytest
from django.contrib.auth.models import User

from testbed.publisher import Publisher
from tests.logins.conftest import PASSWORD, api
from tests.management.conftest import ROOT, only

OWN = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def make(db):
    """Makes objects inside the test's transaction."""
    return Publisher()


@pytest.fixture(autouse=True)
def hosts(settings):
    """The test client calls a host of this name."""
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.UDAPI_PUBLIC_URL = "https://APIs.example.com"


def disable(token, headers, content_type="application/json"):
    answer = api(method="post", path=f"tokens/{token.pk}/disable/", headers=headers, content_type=content_type)
    token.refresh_from_db()
    return answer


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "rubbish"},
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://testserver:8001"},
        {"Origin": "https://testserver"},
        {"Origin": "http://testserver.example.com"},
        {"Origin": "http://testserver, https://evil.example.com"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example.com", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://[", "Sec-Fetch-Site": "none"},
    ],
)
def test_a_page_of_another_site_changes_nothing(joe, make, headers):
    token = make.token()[0]
    assert only(disable(token, headers), 403) == {"reason": "PermissionDenied"}
    assert not token.is_disabled


@pytest.mark.parametrize(
    ("method", "action"),
    [("post", "disable/"), ("post", "enable/"), ("post", "rotate/"), ("put", ""), ("patch", ""), ("delete", "")],
)
def test_another_site_causes_none_of_the_changes(joe, make, method, action):
    token = make.token()[0]
    before = (token.revision, token.secret_digest)
    path = f"tokens/{token.pk}/{action}"
    answer = api(method=method, path=path, headers={"Sec-Fetch-Site": "cross-site"}, content_type="application/json")
    assert only(answer, 403) == {"reason": "PermissionDenied"}
    token.refresh_from_db()
    assert (token.revision, token.secret_digest) == before


def test_another_sites_request_does_not_reach_the_password_check(joe):
    headers = {"Sec-Fetch-Site": "cross-site"}
    answers = [api(password=password, method="post", headers=headers).content for password in (PASSWORD, "wrong")]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        OWN,
        {"Origin": "https://apis.example.com"},
        {"Origin": "https://apis.example.com:443"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_programs_and_the_own_site_change_what_they_may(joe, make, headers):
    token = make.token()[0]
    assert disable(token, headers).status_code == 200
    assert token.is_disabled


def test_reading_requests_are_answered(joe):
    assert api(headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example.com"}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "has_challenge"),
    [
        ({}, True),
        ({"User-Agent": "curl/8.5.0"}, True),
        ({"User-Agent": "Java/21", "Accept": "text/html, image/gif, */*; q=0.2"}, True),
        ({"User-Agent": "Mozilla/5.0 (Windows NT 10.0; en-US) WindowsPowerShell/5.1.26100.1"}, True),
        ({"User-Agent": FIREFOX}, False),
        ({"Sec-Fetch-Mode": "navigate"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "http://testserver"}, False),
    ],
)
def test_only_programs_are_asked_for_a_password(client, db, headers, has_challenge):
    for credentials in ({}, {"Authorization": "Basic eDp4"}, {"Authorization": "Token x"}):
        refused = client.get(f"{ROOT}tokens/", headers=headers | credentials)
        assert refused.status_code == 401
        assert refused["WWW-Authenticate"].startswith("Token realm=")
        assert ("Basic" in refused["WWW-Authenticate"]) is has_challenge


@pytest.mark.parametrize("content_type", ["multipart/form-data", "application/x-www-form-urlencoded"])
def test_a_session_sends_no_forms(client, db, content_type):
    client.force_login(User.objects.create_superuser("root"))
    answer = client.generic("POST", f"{ROOT}tokens/", b"a=b", content_type)
    assert only(answer, 415) == {"reason": "UnsupportedMediaType"}
