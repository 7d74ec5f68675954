"""Limits on the bodies of all requests but triggers: their size, and the answer to one that came too slowly."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import SuspiciousMultipartForm
from django.core.files.uploadhandler import FileUploadHandler
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
# For every other address, and for the console before log-in.
LARGEST_BEFORE_LOGIN = 64 * 1024


class BodyMiddleware:
    """Refuses a body that is too large before reading it, and answers 408 when a body came too slowly.

    `client_socket` enforces the time limits. The answer is 408 whatever the view made of the broken body.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
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
        """Refuse a large form of the console before log-in, before anything reads the form."""
        if announced_length(request.META) <= LARGEST_BEFORE_LOGIN or not request.path_info.startswith(_CONSOLE):
            return None
        try:
            is_known = request.user.is_authenticated
        except database.UNANSWERED as error:
            return database.unavailable(error)
        # The user is loaded, and the form may come slowly.
        database.give_back()
        return None if is_known else _refused(request, RequestTooLargeError())


def leave_body(request: HttpRequest) -> None:
    """End the connection with the answer if the request has a body, which nobody reads."""
    connection: ClientSocket | None = request.META.get("gunicorn.socket")
    if connection is not None and (announced_length(request.META) or "HTTP_TRANSFER_ENCODING" in request.META):
        connection.close_after_answer()


def announced_length(environ: Mapping[str, Any]) -> int:
    """`Content-Length` in bytes, 0 without one; gunicorn has refused anything but a number."""
    return int(environ.get("CONTENT_LENGTH") or 0)


def _fault(request: HttpRequest) -> RequestError | None:
    """The error in the announced length. The management API refuses chunked bodies itself, after log-in."""
    path = request.path_info
    largest = next((size for prefix, size in _LARGEST.items() if path.startswith(prefix)), LARGEST_BEFORE_LOGIN)
    if announced_length(request.META) > largest:
        return RequestTooLargeError()
    if "HTTP_TRANSFER_ENCODING" in request.META and not path.startswith(_MANAGEMENT):
        return LengthRequiredError()
    return None


def _refused(request: HttpRequest, error: RequestError) -> HttpResponse:
    """The error as JSON or text. It ends the connection, because the rest of the body stays unread."""
    connection: ClientSocket | None = request.META.get("gunicorn.socket")
    if connection is not None:
        connection.close_after_answer()
    if request.path_info.startswith(_MANAGEMENT):
        return JsonResponse({"errors": error.entries()}, status=error.status)
    return HttpResponse(f"{error}\n", status=error.status, content_type="text/plain; charset=utf-8")


class RefusingUploadHandler(FileUploadHandler):
    """Refuses the first file of a form before reading it; Django answers 400."""

    def new_file(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise SuspiciousMultipartForm("files are not accepted")

    # Never called, as there is no new file.
    receive_data_chunk = file_complete = new_file
