"""Connections to the database: giving them back before an answer is sent, and the answer when none is free."""

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connections
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

RETRY_AFTER_SECONDS = 5
UNANSWERED = (OperationalError, InterfaceError)

# By name: with SQLite the pool's package is never loaded.
_NONE_FREE = frozenset({"PoolTimeout", "TooManyRequests"})

_log = logging.getLogger("udapi.console")


def give_back() -> None:
    """Give this thread's connection back to PostgreSQL's pool; within a transaction, and with SQLite, it stays."""
    for connection in connections.all(initialized_only=True):
        # Closing it would end the transaction.
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def are_all_taken(error: BaseException) -> bool:
    """Whether `error` says that the pool had no connection to give in time."""
    return isinstance(error, OperationalError) and type(error.__cause__).__name__ in _NONE_FREE


class ConnectionMiddleware:
    """Gives the connection back once the answer is ready; a page says when the database cannot be asked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer."""
        response = self._get_response(request)
        # Django would keep it until the client has received everything.
        give_back()
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """503 where the database did not answer, or had no free connection."""
        return unavailable(exception) if isinstance(exception, UNANSWERED) else None


def unavailable(error: Exception) -> HttpResponse:
    """The page for a database that cannot be asked; the log says why."""
    _log.error("not available: %s", str(error).partition("\n")[0])
    # Without the request, whose user and session would have to be looked up.
    page = HttpResponse(render_to_string("503.html"), status=503)
    page.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return page
