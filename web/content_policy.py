"""The Content-Security-Policy of every page; what it allows stands in the settings."""

from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponseBase


class ContentPolicyMiddleware(CSPMiddleware):
    """Sends the policy with everything but the answers of triggers, whose headers are the script's own."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response with the policy; none is even worked out for an exempt one."""
        return response if getattr(response, "_csp_exempt", False) else super().process_response(request, response)
