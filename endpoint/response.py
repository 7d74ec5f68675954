"""Answers: what a script returned, and the errors of the catalogue."""

import json
import re

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from endpoint import errors
from fleet.answer import Answer
from fleet.node_numbers import machine_id

_WITHOUT_BODY = frozenset({204, 304})
# `; name=value` or `; name="value"`, with whatever stands between the quotes.
_PARAMETER = re.compile(r';([^;="]*)(?:=(?:\s*"(?:[^"\\]|\\.)*"|[^;]*))?')
_DEFAULT_TYPES = {True: "application/json", False: "application/octet-stream"}


def from_answer(answer: Answer) -> HttpResponseBase:
    """The response of a run that succeeded; text is sent as UTF-8 and declared so."""
    code = answer.code
    response: HttpResponseBase = HttpResponse(answer.body, status=code)
    if code in _WITHOUT_BODY:
        # Django adds a `Content-Length` to every response that does not stream.
        response = StreamingHttpResponse((), status=code)
    del response.headers["Content-Type"]
    for name, values in answer.headers.items():
        response.headers[name] = ", ".join(values)
    if code not in _WITHOUT_BODY:
        content_type = response.headers.get("Content-Type", "").strip() or _DEFAULT_TYPES[answer.is_text]
        response.headers["Content-Type"] = _as_utf8(content_type) if answer.is_text else content_type
    return response


def _as_utf8(content_type: str) -> str:
    """The content type with the charset in which text is sent, whichever one the script named."""
    parameters = _PARAMETER.finditer(content_type)
    kept = "".join(each[0] for each in parameters if each[1].strip().lower() not in {"", "charset", "charset*"})
    return f"{content_type.partition(';')[0]}{kept}; charset=utf-8"


def from_error(error: errors.TriggerError) -> HttpResponse:
    """The catalogue's answer."""
    headers = error.headers | ({"WWW-Authenticate": "Bearer"} if error.status == 401 else {})
    content = json.dumps({"errors": [_entry(error)]})
    return HttpResponse(content, status=error.status, content_type="application/json", headers=headers)


def _entry(error: errors.TriggerError) -> dict[str, object]:
    entry: dict[str, object] = {"title": errors.TITLE, "detail": error.detail, "errorCode": error.code}
    if error.names_node:
        entry["faultingNode"] = error.node or machine_id()
    if isinstance(error, errors.MissingScriptParametersError):
        entry["missingScriptParameters"] = error.parameters
    return entry
