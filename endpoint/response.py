"""Answers: what a script returned, and the errors of the catalogue."""

import json
from email.message import Message

from django.http import HttpResponse

from automation.nodes import machine_id
from automation.outcome import Outcome
from endpoint import errors

_WITHOUT_BODY = frozenset({204, 304})
_DEFAULT_TYPES = {True: "application/json", False: "application/octet-stream"}


def from_outcome(outcome: Outcome) -> HttpResponse:
    """The response of a run that succeeded; text goes out as UTF-8 and says so."""
    head = outcome.head
    response = HttpResponse(b"" if head.code in _WITHOUT_BODY else outcome.body, status=head.code)
    del response.headers["Content-Type"]
    for name, values in head.headers.items():
        response.headers[name] = ", ".join(values)
    content_type = response.headers.get("Content-Type", _DEFAULT_TYPES[head.is_text])
    if head.code not in _WITHOUT_BODY:
        response.headers["Content-Type"] = _as_utf8(content_type) if head.is_text else content_type
    return response


def _as_utf8(content_type: str) -> str:
    """The content type with the charset that text is sent in, whatever the script said."""
    header = Message()
    header["Content-Type"] = content_type
    header.set_param("charset", "utf-8", requote=False)
    return str(header["Content-Type"])


def from_error(error: errors.TriggerError) -> HttpResponse:
    """The catalogue's answer."""
    content = json.dumps({"errors": [_entry(error)]})
    response = HttpResponse(content, status=error.status, content_type="application/json")
    for name, value in error.headers.items():
        response.headers[name] = value
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _entry(error: errors.TriggerError) -> dict[str, object]:
    entry: dict[str, object] = {"title": errors.TITLE, "detail": error.detail, "errorCode": error.code}
    if error.names_node:
        entry["faultingNode"] = error.node or machine_id()
    if isinstance(error, errors.MissingScriptParametersError):
        entry["missingScriptParameters"] = error.parameters
    return entry
