"""Answers a slash command of Slack and verifies its signature.

The credential slack-signing-secret, granted to this script, is the signing secret of the Slack app.
"""

import hashlib
import hmac
import time

from automation.sdk import ApiError, ApiTriggerInput, ApiTriggerOutput, Engine, StatusCode

CREDENTIAL = "slack-signing-secret"
OLDEST_SECONDS = 5 * 60


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Answer the command; Slack waits for three seconds."""
    _verify(request, engine.credential(CREDENTIAL))
    form = request.form()
    engine.log(f"{form.get('user_name')} typed {form.get('command')}")
    # Only who typed the command sees this answer.
    return ApiTriggerOutput.json({"response_type": "ephemeral", "text": f"You typed: {form.get('text', '')}"})


def _verify(request: ApiTriggerInput, secret: str) -> None:
    """The signature is over the time and the bytes as they came. An old request may be one that somebody recorded."""
    sent = request.headers.get("X-Slack-Request-Timestamp", "")
    if not (sent.isdecimal() and len(sent) <= 12 and abs(time.time() - int(sent)) <= OLDEST_SECONDS):
        raise ApiError(StatusCode.UNAUTHORIZED, "Invalid time", "X-Slack-Request-Timestamp is too old, or no time.")
    signed = b"v0:" + sent.encode() + b":" + request.raw_body_bytes
    expected = "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    given = request.headers.get("X-Slack-Signature", "")
    # In constant time: how long `==` takes would help to guess the signature.
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise ApiError(StatusCode.UNAUTHORIZED, "Invalid signature", "X-Slack-Signature does not match the body.")
