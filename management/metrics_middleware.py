"""Answers `/metrics`, whatever the Host header says and before any log-in. Loaded only with `UDAPI_METRICS_TOKEN`."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from foundation.exposition import PATH, MetricsPage, is_authorized
from management.installation_metrics import InstallationCollector
from management.web_metrics import WebCollector
from web.bodies import leave_body


class MetricsMiddleware:
    """Serves a scrape to clients that have the token."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._page = MetricsPage(WebCollector(), InstallationCollector())

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info != PATH:
            return self._get_response(request)
        leave_body(request)
        return self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        if not is_authorized(request.headers.get("Authorization", ""), settings.UDAPI_METRICS_TOKEN):
            return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
        text, content_type = self._page.render(request.headers.get("Accept", ""))
        headers = {"Content-Length": str(len(text)), "Cache-Control": "no-store"}
        return HttpResponse(text, content_type=content_type, headers=headers)
