"""Requests as GitHub, Slack and Twilio send them: their headers, their bodies, their signatures."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from tests.endpoint.wire import head

FORM = "application/x-www-form-urlencoded"
TOKENS = {f"hooks/{name}": f"token-of-{name}-0123456789-0123456789" for name in ("github", "slack", "twilio")}
"""The routes that nginx adds a token to, and its secret."""
TWILIO_URL = "https://apis.example.com/api/custom/hooks/twilio"
"""Where Twilio believes that it sends to; the template has it too."""

_REPOSITORY = {
    "id": 186853002,
    "node_id": "MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=",
    "name": "Hello-World",
    "full_name": "Codertocat/Hello-World",
    "private": False,
    "owner": {"name": "Codertocat", "login": "Codertocat", "id": 21031067, "type": "User", "site_admin": False},
    "html_url": "https://github.com/Codertocat/Hello-World",
    "default_branch": "main",
}
_SENDER = {"login": "Codertocat", "id": 21031067, "type": "User", "site_admin": False}
_COMMIT = {
    "id": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
    "tree_id": "f9d2a07e9488b91af2641b26b9407fe22a451433",
    "distinct": True,
    "message": 'Ein Encoder mehr 📺\n\n"quoted" \\ <&> = + %41',
    "timestamp": "2019-05-15T15:20:41Z",
    "url": "https://github.com/Codertocat/Hello-World/commit/6113728f27ae82c7b1a177c8d03f9e96e0adf246",
    "author": {"name": "Jörg", "email": "joerg@example.com", "username": "Codertocat"},
    "committer": {"name": "GitHub", "email": "noreply@github.com"},
    "added": ["encoders/é.yaml"],
    "removed": [],
    "modified": [],
}
PAYLOADS: Mapping[str, dict[str, Any]] = {
    "ping": {
        "zen": "Mind your words, they are important.",
        "hook_id": 109948940,
        "hook": {
            "type": "Repository",
            "id": 109948940,
            "name": "web",
            "active": True,
            "events": ["push", "pull_request"],
            "config": {
                "content_type": "json",
                "insecure_ssl": "0",
                "url": "https://apis.example.com/",
                "secret": "********",
            },
        },
        "repository": _REPOSITORY,
        "sender": _SENDER,
    },
    "push": {
        "ref": "refs/heads/main",
        "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
        "after": "0000000000000000000000000000000000000000",
        "repository": _REPOSITORY,
        "pusher": {"name": "Codertocat", "email": "21031067+Codertocat@users.noreply.github.com"},
        "sender": _SENDER,
        "created": False,
        "deleted": False,
        "forced": False,
        "base_ref": None,
        "compare": "https://github.com/Codertocat/Hello-World/compare/6113728f27ae...000000000000",
        "commits": [_COMMIT],
        "head_commit": _COMMIT,
    },
    "pull_request": {
        "action": "opened",
        "number": 2,
        "pull_request": {
            "id": 279147437,
            "number": 2,
            "state": "open",
            "title": "Update the README with new information.",
            "user": _SENDER,
            "body": "This is a pretty simple change that we need to pull into main.",
            "head": {"label": "Codertocat:changes", "ref": "changes", "sha": _COMMIT["id"]},
            "base": {"label": "Codertocat:main", "ref": "main", "sha": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"},
            "merged": False,
            "commits": 1,
        },
        "repository": _REPOSITORY,
        "sender": _SENDER,
    },
}
"""Compact payloads with the fields and values of GitHub's documented ones."""

COMMAND = {
    "token": "gIkuvaNzQIHg97ATvDxqgjtO",
    "team_id": "T0001",
    "team_domain": "example",
    "channel_id": "C2147483705",
    "channel_name": "test",
    "user_id": "U2147483697",
    "user_name": "Steve",
    "command": "/weather",
    "text": "94070 é + & = 50%",
    "api_app_id": "A123456",
    "is_enterprise_install": "false",
    "response_url": "https://hooks.slack.com/commands/1234/5678",
    "trigger_id": "13345224609.738474920.8088930838d88f008e0",
}
MESSAGE = {
    "ToCountry": "US",
    "ToState": "CA",
    "SmsMessageSid": "SM1234567890abcdef1234567890abcdef",
    "NumMedia": "0",
    "ToCity": "",
    "FromZip": "94107",
    "SmsSid": "SM1234567890abcdef1234567890abcdef",
    "FromState": "CA",
    "SmsStatus": "received",
    "FromCity": "SAN FRANCISCO",
    "Body": "Alarm <7> & Störung",
    "FromCountry": "US",
    "To": "+18005551212",
    "NumSegments": "1",
    "MessageSid": "SM1234567890abcdef1234567890abcdef",
    "AccountSid": "AC1234567890abcdef1234567890abcdef",
    "From": "+14158675310",
    "ApiVersion": "2010-04-01",
}


@dataclass(frozen=True)
class Delivery:
    """One request: what is sent, and the name of the header with its signature."""

    path: str
    fields: tuple[tuple[str, str], ...]
    body: bytes
    signature: str

    def on_wire(self) -> bytes:
        return head("POST", self.path, *self.fields, ("Content-Length", str(len(self.body)))) + self.body

    def with_body(self, body: bytes) -> "Delivery":
        """Another body under the same signature."""
        return replace(self, body=body)

    def signed(self, value: str | None) -> "Delivery":
        """Another signature, or none."""
        others = tuple(field for field in self.fields if field[0] != self.signature)
        return replace(self, fields=(*others, (self.signature, value)) if value is not None else others)


def github(secret: str, event: str = "push", body: bytes = b"", content_type: str = "application/json") -> Delivery:
    """An event with its payload, or with the `body` given; GitHub's settings page has both content types."""
    body = body or json.dumps(PAYLOADS[event], ensure_ascii=False, separators=(",", ":")).encode()
    if content_type == FORM:
        body = urlencode({"payload": body}).encode()
    fields = (
        ("User-Agent", "GitHub-Hookshot/044aadd"),
        ("Accept", "*/*"),
        ("Content-Type", content_type),
        ("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        ("X-GitHub-Event", event),
        ("X-GitHub-Hook-ID", "292430182"),
        ("X-GitHub-Hook-Installation-Target-ID", "79929171"),
        ("X-GitHub-Hook-Installation-Target-Type", "repository"),
        ("X-Hub-Signature", f"sha1={_hmac(secret, body, hashlib.sha1).hex()}"),
        ("X-Hub-Signature-256", f"sha256={_hmac(secret, body, hashlib.sha256).hex()}"),
    )
    return Delivery("/api/custom/hooks/github", fields, body, "X-Hub-Signature-256")


def slack(secret: str, sent: int | None = None, body: bytes = b"") -> Delivery:
    """A slash command, sent at the time `sent` or now."""
    body = body or urlencode(COMMAND).encode()
    sent = int(time.time()) if sent is None else sent
    fields = (
        ("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)"),
        ("Accept-Encoding", "gzip,deflate"),
        ("Accept", "application/json,*/*"),
        ("X-Slack-Signature", f"v0={_hmac(secret, f'v0:{sent}:'.encode() + body, hashlib.sha256).hex()}"),
        ("X-Slack-Request-Timestamp", str(sent)),
        ("Content-Type", FORM),
    )
    return Delivery("/api/custom/hooks/slack", fields, body, "X-Slack-Signature")


def twilio(secret: str, form: Mapping[str, str] = MESSAGE, url: str = TWILIO_URL) -> Delivery:
    """A text message that somebody has sent to a number."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    fields = (
        ("User-Agent", "TwilioProxy/1.1"),
        ("Accept", "*/*"),
        ("Content-Type", f"{FORM}; charset=UTF-8"),
        ("I-Twilio-Idempotency-Token", "7f3b5c1e-0f4e-4a52-9f0b-2f3f0f9a8f11"),
        ("X-Twilio-Signature", base64.b64encode(_hmac(secret, signed.encode(), hashlib.sha1)).decode()),
    )
    return Delivery("/api/custom/hooks/twilio", fields, urlencode(form).encode(), "X-Twilio-Signature")


def _hmac(secret: str, signed: bytes, algorithm: Callable[..., Any]) -> bytes:
    return hmac.new(secret.encode(), signed, algorithm).digest()
