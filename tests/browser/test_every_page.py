"""The addresses of the console, which test_accessibility.py opens, and the policy that every answer comes with."""

import pytest

PAGES = [
    "",
    "definitions/apidefinition/",
    "definitions/apidefinition/add/",
    "tokens/apitoken/",
    "tokens/apitoken/add/",
    "automation/automationscript/",
    "automation/automationscript/add/",
    "automation/credential/",
    "automation/credential/add/",
    "runs/",
    "events/informationevent/",
    "automation/workernode/",
    "environments/",
    "keys/personalkey/",
    "keys/personalkey/add/",
    "auth/user/",
    "auth/user/add/",
    "auth/group/",
    "auth/group/add/",
    "password_change/",
]


def test_the_page_of_the_management_api_opens(visit, stack):
    page = visit()
    page.goto(f"{stack.url}/api/management/docs/")
    page.get_by_text("/api/management/definitions/", exact=True).first.wait_for()


@pytest.mark.parametrize("address", ["console/", "api/management/docs/", "api/management/nothing/", "nothing"])
def test_every_answer_has_the_policy(console, stack, address):
    policy = stack.client.get(f"/{address}", follow_redirects=True).headers["Content-Security-Policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == parts["frame-ancestors"] == parts["base-uri"] == "'none'"
    assert parts["script-src"] == "'self' 'unsafe-eval'"
    assert parts["style-src"] == "'self'"
    assert parts["connect-src"] == "'self'"


def test_the_answer_of_a_trigger_has_a_policy_of_its_own(stack, publish):
    answer = publish().call(stack.client)
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
