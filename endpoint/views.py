"""`/api/custom`: the way of a trigger over HTTP."""

import uuid
from typing import Any, cast

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from definitions.lookups import TokenRow
from endpoint import admission, body, errors, response, trigger_request
from endpoint.authentication import BearerAuthentication
from endpoint.dispatch import succeeded
from endpoint.trigger_log import TriggerLog

CLOSED = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cross-Origin-Resource-Policy": "same-origin"}
"""A browser that shows an answer as a page runs nothing in it, and no other site can embed it."""


class TriggerView(APIView):
    """Runs the script behind a route. The order of the checks is the contract's."""

    authentication_classes = (BearerAuthentication,)
    permission_classes = ()
    parser_classes = ()
    body_is_read = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """The checks before anybody is asked who calls; nothing is negotiated."""
        self.trigger_id = str(uuid.uuid4())
        self.log = TriggerLog(self.trigger_id, str(request.META["REQUEST_METHOD"]), trigger_request.path(request.META))
        self.called = trigger_request.read(request.META)

    def trigger(self, request: Request) -> HttpResponseBase:
        """The whole story; whatever is raised on the way is rendered in `handle_exception`."""
        token = cast(TokenRow, request.auth)
        self.log.started(token.id)
        admission.count_against_limit(token)
        admitted = admission.admit(self.called, token.id)
        content = body.read(request.META)
        self.body_is_read = True
        answer = succeeded(admission.carry_out(self.trigger_id, admitted, content, request.META.get("gunicorn.socket")))
        rendered = response.from_answer(answer)
        self.log.ended(answer.code, answer.node)
        return rendered

    # With a `head` of its own: Django would give each view one that holds the view, and with it a large body.
    get = head = put = post = delete = patch = trigger

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]  # DRF takes any response
        """The catalogue's answer, and the trigger's last line."""
        error = errors.foreseen(exc)
        if not self.body_is_read:
            body.leave(self.request.META)
        self.log.ended(error, error.node)
        return response.from_error(error)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """The response, closed to browsers unless the script opens it.

        Request and view hold each other no longer, so that a large body goes with its answer.
        """
        request.parser_context.clear()
        for name, value in CLOSED.items():
            response.headers.setdefault(name, value)
        return super().finalize_response(request, response, *args, **kwargs)

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: `Allow` belongs to error 3 alone, and nothing varies."""
        return {}
