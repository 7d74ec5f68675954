"""Answers a text message (SMS) that Twilio passes on, and verifies its signature.

The credential twilio-auth-token, granted to this script, is the auth token of the Twilio account.
"""

import base64
import hashlib
import hmac
from xml.sax.saxutils import escape

from automation.sdk import ApiError, ApiTriggerInput, ApiTriggerOutput, Engine, StatusCode

CREDENTIAL = "twilio-auth-token"
URL = "https://apis.example.com/api/custom/hooks/twilio"
"""The address exactly as it stands in Twilio's console: Twilio signs it."""


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Answer the message with another one."""
    _verify(request, engine.credential(CREDENTIAL))
    form = request.form()
    engine.log(f"message {form.get('MessageSid')}")
    text = escape(f"You wrote: {form.get('Body', '')}")
    output = ApiTriggerOutput(response_body=f"<Response><Message>{text}</Message></Response>")
    output.response_headers.set("Content-Type", "text/xml")
    return output


def _verify(request: ApiTriggerInput, secret: str) -> None:
    """The signature is over the address and the fields of the form, sorted by name."""
    form = request.form()
    fields = "".join(name + value for name in sorted(form) for value in sorted(set(form.get_all(name))))
    expected = base64.b64encode(hmac.new(secret.encode(), (URL + fields).encode(), hashlib.sha1).digest())
    given = request.headers.get("X-Twilio-Signature", "")
    # In constant time: how long `==` takes would help to guess the signature.
    if not hmac.compare_digest(expected, given.encode()):
        raise ApiError(StatusCode.UNAUTHORIZED, "Invalid signature", "X-Twilio-Signature does not match the form.")
