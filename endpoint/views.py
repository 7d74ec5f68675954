"""`/api/custom`: the way of a trigger over HTTP."""

from typing import Any, cast

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from definitions.lookups import TokenRow
from endpoint import admission, errors, response, trigger_request
from endpoint.authentication import BearerAuthentication
from endpoint.body import RequestBody
from endpoint.dispatch import dispatch, succeeded
from endpoint.observed_trigger import ObservedTrigger
from endpoint.run_note import kept_request
from endpoint.trigger_request import TriggerRequest
from web.client_address import client_address

# A browser that shows an answer as a page runs nothing in it, and no other site can embed it.
CLOSED = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cross-Origin-Resource-Policy": "same-origin"}


TRIGGER_ID = "X-Trigger-Id"


class TriggerView(APIView):
    """Runs the script behind a route. The contract fixes the order of the checks."""

    authentication_classes = (BearerAuthentication,)
    permission_classes = ()
    parser_classes = ()
    observed: ObservedTrigger
    body: RequestBody
    called: TriggerRequest

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """The checks before authentication; nothing is negotiated."""
        environ = request.META
        self.observed = ObservedTrigger(environ)
        self.body = RequestBody(environ)
        self.called = trigger_request.read(environ, client_address(request))

    def trigger(self, request: Request) -> HttpResponseBase:
        """The whole story; `handle_exception` renders whatever is raised on the way."""
        called, observed = self.called, self.observed
        token = cast(TokenRow, request.auth)
        observed.authenticated(token.id)
        admission.count_against_limit(token)
        definition = admission.definition_for(called, token.id)
        observed.calls(definition, called, token.id)
        admitted = admission.admit(called, token.id, definition)
        observed.runs(admitted.script)
        body = self.body.read(definition.content_types, has_text=called.is_text)
        origin = observed.origin(kept_request(definition, called, body), len(body))
        job = observed.admitted(admission.job(observed.id, admitted, body, origin))
        told = dispatch(job, request.META.get("gunicorn.socket"))
        answer = succeeded(observed.answered(told))
        rendered = response.from_answer(answer)
        observed.succeeded(answer)
        return rendered

    # Django would give each view a `head` of its own that refers to the view, and with it keeps a large body.
    get = head = put = post = delete = patch = trigger

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]  # DRF takes any response
        error = errors.foreseen(exc)
        self.body.leave()
        self.observed.failed(error)
        return response.from_error(error)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """The response, closed to browsers unless the script opens it."""
        # Request and view would refer to each other, and keep a large body until the garbage collector runs.
        request.parser_context.clear()
        for name, value in CLOSED.items():
            response.headers.setdefault(name, value)
        response.headers[TRIGGER_ID] = self.observed.id
        self.observed.responded(response)
        return super().finalize_response(request, response, *args, **kwargs)

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: `Allow` belongs to error 3 alone, and nothing varies."""
        return {}
