"""*Run again…*: the form that starts with what a run was sent, and the run that follows from it."""

from dataclasses import asdict
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from access.policy import RUN, allows
from console.run_actions import wire
from console.run_actions.drafts import RequestDraft, draft_of, filled_body
from console.run_actions.viewed import comparison_page, definition_of, version_choices, viewed_run
from endpoint.trigger_request import METHODS
from fleet.kept_bodies import KeptRequest, NotFilledError
from objects.changes import refusal
from runs.bodies import bodies_of
from runs.models import Run
from runs.user_runs import run_definition

_KEPT: Final = "/!$&'()+,;=:@~"
"""Characters that a quoted route keeps."""


class AskedAgain(wire.AskedRun, kw_only=True):
    """A run that is repeated, with the masked values of the body, or with the body as it was kept."""

    masked: list[str] = []
    sends_kept_body: bool = False


@require_http_methods(["GET", "HEAD", "POST"])
def again_page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The form; with POST, run it and answer as `trigger/` does.

    Raises:
        Http404: there is no such run, or no API that it was a run of.
        BadRequest: the body is something else than `AskedAgain`.
    """
    run = viewed_run(request, run_id, "add")
    if request.method == "POST":
        return _run(request, run)
    return TemplateResponse(request, "console/runs/again.html", admin.site.each_context(request) | _form(request, run))


def _form(request: HttpRequest, run: Run) -> dict[str, Any]:
    definition = definition_of(run)
    kept = _kept(request, run) if run.has_bodies else None
    draft = draft_of(kept) if kept else None
    return {
        "title": _("Run again"),
        "run": run,
        "definition": definition,
        "versions": version_choices(definition, run) if definition else [],
        "method": run.method.upper(),
        "methods": METHODS,
        "draft": draft or RequestDraft(),
        "start": _start(draft or RequestDraft()),
        "route": quote(run.called_route, safe=_KEPT),
        "why_empty": "" if draft else _why_empty(request, run, kept),
        "run_page": wire.address_of("run"),
        "comparison_page": comparison_page(run),
    }


def _start(draft: RequestDraft) -> dict[str, Any]:
    """What the page's script fills in."""
    return {
        "query": [asdict(pair) for pair in draft.query],
        "headers": [asdict(pair) for pair in draft.headers],
        "body": draft.body,
    }


def _kept(request: HttpRequest, run: Run) -> KeptRequest | None:
    """What is kept of the request, for users who may read it: a look that leaves an event."""
    if not allows(request.user, RUN, "view_bodies") or not allows(request.user, RUN, "replay"):
        return None
    found = bodies_of(run, request.user.get_username())
    return found.request if found else None


def _why_empty(request: HttpRequest, run: Run, kept: KeptRequest | None) -> str:
    """Why the form does not start with what was sent."""
    if not run.has_bodies:
        return _("The request was not kept, because the API did not keep requests then. Enter what to send.")
    if kept is None and not allows(request.user, RUN, "view_bodies"):
        return _("You may not read kept requests. Enter what to send.")
    if kept is not None and kept.body is None:
        return _("The body is not text, and values in it were masked. Enter what to send.")
    return _("The request was too large to be kept as a whole. Enter what to send.")


def _run(request: HttpRequest, run: Run) -> JsonResponse:
    asked = wire.read(request, AskedAgain)
    definition = definition_of(run)
    if definition is None:
        raise Http404
    try:
        body = _body(request, run, asked)
    except NotFilledError as error:
        return wire.refused_with(refusal("InvalidField", str(error), field="masked"))
    return wire.answered(lambda: run_definition(definition, asked.request(body), repeats=run, **wire.sender(request)))


def _body(request: HttpRequest, run: Run, asked: AskedAgain) -> str | bytes:
    """The body to send.

    Raises:
        BadRequest: it needs what was kept, which is not there, or which the user may not read.
        NotFilledError: a masked value is missing or not valid.
    """
    if not asked.masked and not asked.sends_kept_body:
        return asked.raw_body
    kept = _kept(request, run)
    if kept is None:
        raise BadRequest
    if not asked.sends_kept_body:
        return filled_body(kept, asked.raw_body, asked.masked)
    draft = draft_of(kept)
    if draft is None or draft.kept_bytes is None:
        raise BadRequest
    return kept.binary
