"""`/healthz` and `/readyz`, answered before all other middleware: whatever the host, without redirect or cookie."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Final

import redis
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from health.proof import PROOF_HEADER, QUESTION_HEADER, proof
from health.readiness import Readiness
from web.bodies import leave_body

ALIVE: Final = "/healthz"
READY: Final = "/readyz"


class HealthMiddleware:
    """Says up or down, to everybody, and touches no session. What is wrong is in the log and in the management API."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._others = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info not in {ALIVE, READY}:
            return self._others(request)
        if request.method not in {"GET", "HEAD"}:
            response = HttpResponse("Only GET and HEAD are answered here.\n", status=405, content_type="text/plain")
            response.headers["Allow"] = "GET, HEAD"
        elif request.path_info == ALIVE:
            response = _alive(request)
        else:
            response = _answer(is_up=not readiness().fault())
        return _complete(request, response)


@cache
def readiness() -> Readiness:
    """That of this process."""
    return Readiness()


def _alive(request: HttpRequest) -> HttpResponse:
    """The process answers, and nothing else is asked."""
    response = _answer(is_up=True)
    # The id of the installation is known, unless the database did not tell it at the start.
    if question := request.headers.get(QUESTION_HEADER):
        with suppress(redis.RedisError):
            if answer := proof(question):
                response.headers[PROOF_HEADER] = answer
    return response


def _answer(*, is_up: bool) -> HttpResponse:
    text = '{"status": "up"}\n' if is_up else '{"status": "down"}\n'
    return HttpResponse(text, status=200 if is_up else 503, content_type="application/json")


def _complete(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The response with what other middleware would add."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Length"] = str(len(response.content))
    response.headers["X-Content-Type-Options"] = "nosniff"
    leave_body(request)
    return response
