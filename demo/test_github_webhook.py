"""A script that verifies a signature with a credential, tested without the platform."""

import hashlib
import hmac
import json
from urllib.parse import urlencode

import github_webhook
import pytest

from automation.sdk import ApiError, ApiTriggerInput, ApiTriggerOutput, CredentialNotAllowed, Engine

SECRET = "It's a Secret to Everybody"
FORM = "application/x-www-form-urlencoded"


def signature(body: bytes) -> str:
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def answer(body: bytes, event: str, signed: str, content_type: str = "application/json") -> ApiTriggerOutput:
    headers = {"X-GitHub-Event": event, "X-Hub-Signature-256": signed, "Content-Type": content_type}
    engine = Engine(credentials={"github-webhook": SECRET}, log=lambda line: None)
    return github_webhook.on_api_trigger(engine, ApiTriggerInput(raw_body_bytes=body, headers=headers))


@pytest.mark.parametrize(
    ("event", "payload", "text"),
    [
        ("ping", {"zen": "Keep it logically awesome."}, "GitHub says: Keep it logically awesome."),
        ("push", {"ref": "refs/heads/main", "commits": [{}], "pusher": {"name": "Jane"}}, "Jane pushed 1 commits"),
        ("pull_request", {"action": "opened", "number": 2}, "Pull request 2 was opened"),
        ("star", {"action": "created"}, "Nothing to do for star"),
    ],
)
def test_signed_events_are_answered(event: str, payload: dict[str, object], text: str) -> None:
    body = json.dumps(payload).encode()
    form = urlencode({"payload": body}).encode()
    told = json.loads(answer(body, event, signature(body)).response_body)
    assert told["text"].startswith(text)
    assert json.loads(answer(form, event, signature(form), FORM).response_body) == told


def test_other_signatures_are_refused() -> None:
    body = b'{"zen": "Design for failure."}'
    changed = b'{"zen": "Design for Failure."}'
    for given in ("", "sha256=", signature(body)[:-1], signature(changed), signature(body).upper(), "sha256=\xe4"):
        with pytest.raises(ApiError) as refused:
            answer(body, "ping", given)
        assert refused.value.status == 401


def test_the_example_in_githubs_documentation_is_accepted() -> None:
    """As far as its signature goes: it is no JSON."""
    documented = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    with pytest.raises(ApiError) as refused:
        answer(b"Hello, World!", "push", documented)
    assert refused.value.status == 400


def test_without_the_credential_nothing_is_accepted() -> None:
    with pytest.raises(CredentialNotAllowed):
        github_webhook.on_api_trigger(Engine(), ApiTriggerInput(raw_body="{}"))
