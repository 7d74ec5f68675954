"""Triggers are answered before all middleware that is only for browsers."""

import re
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from endpoint.views import TriggerView

# Repeated slashes count as one; the view reads the raw path itself.
_TRIGGER = re.compile(r"/+api/+custom(?:/|\Z)")


class TriggerMiddleware:
    """Answers triggers. Sessions, cookies, messages and policies of the console would take longer than the view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._others, self._trigger = get_response, TriggerView.as_view()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return (self._trigger if _TRIGGER.match(request.path_info) else self._others)(request)
