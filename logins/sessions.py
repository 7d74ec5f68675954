"""Sessions that last as long as they are used: what a user does renews them, what a page does by itself does not."""

from collections.abc import Callable
from http import HTTPStatus
from time import time as now
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

_RENEWED: Final = "renewed"
_PARTS: Final = 20
"""A session is renewed after this part of its time, so that few requests write to the database."""


class SlidingSessionMiddleware:
    """Renews the session of a user who is active in the console."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self._get_response(request)
        # A server that cannot answer, such as one without a free connection, is not asked for more.
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return answer
        if _is_activity(request) and request.user.is_authenticated and _is_due(request) and _still_exists(request):
            # Changes the session, so that Django's middleware saves it and sends its cookie again.
            _note(request)
        return answer


@receiver(user_logged_in, sender=User)
def begin_session(request: HttpRequest, **kwargs: object) -> None:
    """A new session is not due at once."""
    if hasattr(request, "session"):
        _note(request)


def _note(request: HttpRequest) -> None:
    request.session[_RENEWED] = int(now())


def _is_activity(request: HttpRequest) -> bool:
    """Whether a user has caused the request. Pages ask for their live parts with `X-Requested-With`, programs have no
    session, and a live stream that stays open is a request of the management API.
    """
    is_by_script = request.headers.get("X-Requested-With") == "fetch" and request.method == "GET"
    page = request.resolver_match
    return page is not None and page.app_name == "admin" and not is_by_script


def _still_exists(request: HttpRequest) -> bool:
    """Whether nobody has logged out meanwhile: to save what is gone, Django would answer 400 in place of the page."""
    return request.session.session_key is not None and request.session.exists(request.session.session_key)


def _is_due(request: HttpRequest) -> bool:
    renewed: float = request.session.get(_RENEWED, 0)
    return now() - renewed >= float(settings.SESSION_COOKIE_AGE) / _PARTS
