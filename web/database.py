"""Returning database connections before an answer is sent, and the answer when none is free."""

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connections
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

RETRY_AFTER_SECONDS = 5
UNANSWERED = (OperationalError, InterfaceError)

# By name: with SQLite the package of the connection pool is never loaded.
_NONE_FREE = frozenset({"PoolTimeout", "TooManyRequests"})

_log = logging.getLogger("udapi.console")


def give_back() -> None:
    """Return this thread's connection to PostgreSQL's pool; it stays within a transaction, and with SQLite."""
    for connection in connections.all(initialized_only=True):
        # Closing it would end the transaction.
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def are_all_taken(error: BaseException) -> bool:
    """Whether `error` says that no connection of the pool became free in time."""
    return isinstance(error, OperationalError) and type(error.__cause__).__name__ in _NONE_FREE


class ConnectionMiddleware:
    """Returns the connection once the answer is ready, and answers 503 when the database does not respond."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        # Django would keep it until the client has received everything.
        give_back()
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return unavailable(exception) if isinstance(exception, UNANSWERED) else None


def unavailable(error: Exception) -> HttpResponse:
    """The 503 page for a database that does not respond; the log says why."""
    _log.error("the database is not available: %s", str(error).partition("\n")[0])
    # Rendered without the request, whose user and session would need the database.
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return HttpResponse(render_to_string("503.html"), status=503, headers=headers)
