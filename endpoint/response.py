"""Answers: what a script returned, and the errors of the catalogue."""

import json
import re

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from endpoint import errors
from fleet.answer import Answer
from fleet.numbers import machine_id

_WITHOUT_BODY = frozenset({204, 304})
# `; name=value` or `; name="value"`, with whatever stands between the quotes.
_PARAMETER = re.compile(r';([^;="]*)(?:=(?:\s*"(?:[^"\\]|\\.)*"|[^;]*))?')
_DEFAULT_TYPES = {True: "application/json", False: "application/octet-stream"}


def from_answer(answer: Answer) -> HttpResponseBase:
    """The response of a run that succeeded; text goes out as UTF-8 and says so."""
    code = answer.code
    response = _empty(code) if code in _WITHOUT_BODY else HttpResponse(answer.body, status=code)
    del response.headers["Content-Type"]
    for name, values in answer.headers.items():
        response.headers[name] = ", ".join(values)
    if code not in _WITHOUT_BODY:
        content_type = response.headers.get("Content-Type", "").strip() or _DEFAULT_TYPES[answer.is_text]
        response.headers["Content-Type"] = _as_utf8(content_type) if answer.is_text else content_type
    return response


def _empty(code: int) -> HttpResponseBase:
    """Without a body, and without the `Content-Length` that Django gives to whatever does not stream."""
    return StreamingHttpResponse((), status=code)


def _as_utf8(content_type: str) -> str:
    """The content type with the charset that text is sent in, whatever the script said."""
    parameters = _PARAMETER.finditer(content_type)
    kept = "".join(each[0] for each in parameters if each[1].strip().lower() not in {"", "charset", "charset*"})
    return f"{content_type.partition(';')[0]}{kept}; charset=utf-8"


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
