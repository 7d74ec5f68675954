"""Triggers are answered before all middleware that is only for browsers."""

import re
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from endpoint import request_metrics
from endpoint.views import TRIGGER_ID, TriggerView
from foundation import log_context
from foundation.ids import new_run_id

# Repeated slashes count as one; the view reads the raw path itself.
_TRIGGER = re.compile(r"/+api/+custom(?:/|\Z)")


class TriggerIdMiddleware:
    """Gives an id to requests that are refused before any view, as those to another host."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        if TRIGGER_ID not in response.headers and _TRIGGER.match(request.path_info):
            response.headers[TRIGGER_ID] = new_run_id()
            request_metrics.count_unseen(request.method, response.status_code)
        return response


class TriggerMiddleware:
    """Answers triggers. Sessions, cookies, messages and policies of the console would take longer than the view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._others, self._trigger = get_response, TriggerView.as_view()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not _TRIGGER.match(request.path_info):
            return self._others(request)
        with log_context.bound():
            return self._trigger(request)
