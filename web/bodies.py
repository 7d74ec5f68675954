"""Bodies sent to console, management API and every other address but those of triggers: how large, and how fast."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from foundation.limits import LARGEST_MANAGEMENT_BODY, LARGEST_MESSAGE
from web import database
from web.client_socket import ClientSocket
from web.errors import LengthRequiredError, RequestError, RequestTimeoutError, RequestTooLargeError

_MANAGEMENT, _CONSOLE = "/api/management/", "/console/"
_LARGEST = {
    f"{_MANAGEMENT}trigger/": LARGEST_MESSAGE,
    _MANAGEMENT: LARGEST_MANAGEMENT_BODY,
    _CONSOLE: settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
}
LARGEST_BEFORE_LOGIN = 64 * 1024
"""The console's forms before log-in, and every other address."""


class BodyMiddleware:
    """Refuses a body that is too large before any of it is read, and tells a client whose body came too slowly.

    The limits of time are the HTTP server's (`client_socket`). Whatever the view makes of a body that it could not read
    in time, the answer is 408.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, or a refusal."""
        error = _fault(request)
        response = self._get_response(request) if error is None else _refused(request, error)
        connection: ClientSocket | None = request.META.get("gunicorn.socket")
        if connection is None:
            return response
        if connection.is_late:
            response.close()
            return _refused(request, RequestTimeoutError())
        if response.streaming and not response.has_header("Content-Length"):
            connection.begin_stream()
        return response

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        """Refuse a large form of the console before log-in; comes before anything that reads the form."""
        if _announced(request) <= LARGEST_BEFORE_LOGIN or not request.path_info.startswith(_CONSOLE):
            return None
        try:
            is_known = request.user.is_authenticated
        except database.UNANSWERED as error:
            return database.unavailable(error)
        # The user is known by now, and the form may come slowly.
        database.give_back()
        return None if is_known else _refused(request, RequestTooLargeError())


def _fault(request: HttpRequest) -> RequestError | None:
    """The error in the announced length. The management API refuses chunks itself, after log-in."""
    path = request.path_info
    largest = next((size for prefix, size in _LARGEST.items() if path.startswith(prefix)), LARGEST_BEFORE_LOGIN)
    if _announced(request) > largest:
        return RequestTooLargeError()
    if "HTTP_TRANSFER_ENCODING" in request.META and not path.startswith(_MANAGEMENT):
        return LengthRequiredError()
    return None


def _announced(request: HttpRequest) -> int:
    """The HTTP server has refused what is no number."""
    return int(request.META.get("CONTENT_LENGTH") or 0)


def _refused(request: HttpRequest, error: RequestError) -> HttpResponse:
    """The error in the form of its address. The connection ends, for the rest of the body stays unread."""
    connection: ClientSocket | None = request.META.get("gunicorn.socket")
    if connection is not None:
        connection.close_after_answer()
    if request.path_info.startswith(_MANAGEMENT):
        return JsonResponse({"errors": error.entries()}, status=error.status)
    return HttpResponse(f"{error}\n", status=error.status, content_type="text/plain; charset=utf-8")
