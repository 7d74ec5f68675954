"""The Content-Security-Policy of every page; the settings say what it allows."""

from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponseBase


class ContentPolicyMiddleware(CSPMiddleware):
    """Sends the policy with every response that is not exempt, and does not even build it for one that is."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response if getattr(response, "_csp_exempt", False) else super().process_response(request, response)
