"""Receives webhooks of GitHub and verifies their signature: POST demo/github.

The credential github-webhook, granted to this script, is the secret on GitHub's settings page.
"""

import hashlib
import hmac
import json
from typing import Any

from automation.sdk import ApiError, ApiTriggerInput, ApiTriggerOutput, Engine, StatusCode

CREDENTIAL = "github-webhook"


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Answer 200 to what GitHub has signed, and 401 to everything else."""
    _verify(request, engine.credential(CREDENTIAL))
    event, payload = request.headers.get("X-GitHub-Event", ""), _payload(request)
    match event:
        case "ping":
            text = f"GitHub says: {payload['zen']}"
        case "push":
            text = f"{payload['pusher']['name']} pushed {len(payload['commits'])} commits to {payload['ref']}"
        case "pull_request":
            text = f"Pull request {payload['number']} was {payload['action']}"
        case _:
            text = f"Nothing to do for {event}"
    engine.log(text)
    return ApiTriggerOutput.json({"event": event, "text": text})


def _verify(request: ApiTriggerInput, secret: str) -> None:
    """The signature is over the bytes as they came. A body that was parsed and written again has another one."""
    expected = "sha256=" + hmac.new(secret.encode(), request.raw_body_bytes, hashlib.sha256).hexdigest()
    given = request.headers.get("X-Hub-Signature-256", "")
    # In constant time: how long `==` takes would help to guess the signature.
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise ApiError(StatusCode.UNAUTHORIZED, "Invalid signature", "X-Hub-Signature-256 does not match the body.")


def _payload(request: ApiTriggerInput) -> Any:
    """The event as JSON. GitHub sends it in a form if its settings page says so."""
    if request.content_type == "application/x-www-form-urlencoded":
        return json.loads(request.form().get("payload", "{}"))
    return request.json()
