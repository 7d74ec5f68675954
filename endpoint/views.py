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
from endpoint.run_note import RunNote, kept_request
from endpoint.trigger_log import TriggerLog
from endpoint.trigger_request import TriggerRequest
from foundation.ids import new_run_id
from hosts.jobs import RunKind
from web.client_address import client_address

# A browser that shows an answer as a page runs nothing in it, and no other site can embed it.
CLOSED = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cross-Origin-Resource-Policy": "same-origin"}


TRIGGER_ID = "X-Trigger-Id"


class TriggerView(APIView):
    """Runs the script behind a route. The contract fixes the order of the checks."""

    authentication_classes = (BearerAuthentication,)
    permission_classes = ()
    parser_classes = ()
    log: TriggerLog
    body: RequestBody
    called: TriggerRequest
    run: RunNote | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """The checks before authentication; nothing is negotiated."""
        environ = request.META
        self.log = TriggerLog(new_run_id(), str(environ["REQUEST_METHOD"]), trigger_request.path(environ))
        self.body = RequestBody(environ)
        self.called = trigger_request.read(environ, client_address(request))

    def trigger(self, request: Request) -> HttpResponseBase:
        """The whole story; `handle_exception` renders whatever is raised on the way."""
        token = cast(TokenRow, request.auth)
        self.log.started(token.id)
        admission.count_against_limit(token)
        definition = admission.definition_for(self.called, token.id)
        # From here on, the trigger leaves a run.
        self.run = note = RunNote(self.log.trigger_id, RunKind.TRIGGER, client_address=self.called.client_address)
        note.calls(definition, self.called, token.id)
        admitted = admission.admit(self.called, token.id, definition)
        self.log.script = admitted.script
        note.runs(admitted.script)
        body = self.body.read(definition.content_types, has_text=self.called.is_text)
        kept = kept_request(definition, self.called, body)
        job = admission.job(note.record.id, admitted, body, note.origin(kept, request_bytes=len(body)))
        answer = succeeded(note.answered(dispatch(job, request.META.get("gunicorn.socket"))))
        rendered = response.from_answer(answer)
        self.log.ended(answer.code, answer.node)
        return rendered

    # Django would give each view a `head` of its own that refers to the view, and with it keeps a large body.
    get = head = put = post = delete = patch = trigger

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]  # DRF takes any response
        error = errors.foreseen(exc)
        self.body.leave()
        self.log.ended(error, error.node)
        if self.run is not None:
            self.run.told(error)
        return response.from_error(error)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """The response, closed to browsers unless the script opens it."""
        # Request and view would refer to each other, and keep a large body until the garbage collector runs.
        request.parser_context.clear()
        for name, value in CLOSED.items():
            response.headers.setdefault(name, value)
        response.headers[TRIGGER_ID] = self.log.trigger_id
        return super().finalize_response(request, response, *args, **kwargs)

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: `Allow` belongs to error 3 alone, and nothing varies."""
        return {}
