"""Running again the last runs of an API, one after the other, and what differs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import msgspec
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from access.policy import DEFINITION, allows
from automation.builds import is_ready
from automation.versions import ScriptVersion
from console.run_actions import wire
from console.run_actions.outcome import RunEnd, differences, kept_response, outcome_of, outcome_of_run
from console.run_actions.viewed import comparison_page, definition_of, require, viewed_run
from console.runs.durations import in_words
from definitions.models import ApiDefinition
from fleet.kept_bodies import KeptRequest
from fleet.records import RunStatus
from hosts.jobs import RunKind
from objects.changes import refusal
from runs.models import Run, RunBodies
from runs.user_requests import repeated, values_needed
from runs.user_runs import run_definition

MOST: Final = 50
_USUAL: Final = 10
_VERSIONS: Final = 100
_HARMLESS: Final = "GET"
_GOES_ON: Final = (RunStatus.QUEUED, RunStatus.RUNNING)


@dataclass(frozen=True)
class SeriesRow:
    """A run to repeat, or why it is skipped."""

    run: Run
    then: RunEnd
    why_skipped: str

    @property
    def method(self) -> str:
        return self.run.method.upper()

    @property
    def comparison(self) -> str:
        """The page that compares it with the run whose id takes the place of `RUN_ID`."""
        return comparison_page(self.run)

    @property
    def then_in_words(self) -> str:
        return in_words(self.then.milliseconds)


class AskedRepeat(msgspec.Struct, rename="camel", kw_only=True):
    """One run of the series. Without `is_confirmed`, only GET is sent."""

    run_id: UUID
    script_version: int | None = None
    is_confirmed: bool = False


@require_safe
def series_page(request: HttpRequest, definition_id: UUID) -> TemplateResponse:
    """The last runs of an API, and the versions to run them on."""
    require(request, "view", "replay")
    if not allows(request.user, DEFINITION, "view"):
        raise PermissionDenied
    definition = get_object_or_404(ApiDefinition.objects.select_related("script"), pk=definition_id)
    wanted = _number(request.GET.get("count", ""))
    context = {
        "title": _("Run the last calls again"),
        "definition": definition,
        "count": wanted,
        "most": MOST,
        "rows": list(_rows(definition, wanted)),
        "versions": _versions(definition),
        "current": definition.script_version or (definition.script.current_version if definition.script else ""),
        "run_page": wire.address_of("run"),
        "harmless": _HARMLESS,
    }
    return TemplateResponse(request, "console/runs/series.html", admin.site.each_context(request) | context)


@require_POST
def repeat_one(request: HttpRequest) -> JsonResponse:
    """Repeat one run of the series: how it ended, and what differs.

    Raises:
        BadRequest: the body is something else than `AskedRepeat`.
    """
    require(request, "view", "replay")
    asked = wire.read(request, AskedRepeat)
    run = viewed_run(request, asked.run_id, "replay")
    try:
        return JsonResponse(_repeated(request, asked, run))
    except ValidationError as refused:
        return wire.refused_with(refused)


def _repeated(request: HttpRequest, asked: AskedRepeat, run: Run) -> dict[str, Any]:
    definition = definition_of(run)
    if definition is None:
        raise refusal("InvalidField", _("The API has been deleted."), field="runId")
    if run.method.upper() != _HARMLESS and not asked.is_confirmed:
        raise refusal("InvalidField", _("Confirm that other methods than GET are sent again."), field="isConfirmed")
    sent = replace(repeated(run, request.user.get_username()), script_version=asked.script_version)
    answer = run_definition(definition, sent, repeats=run, **wire.sender(request))
    response, ended = kept_response(run), outcome_of(answer)
    return {
        "id": answer.statistics.trigger_id,
        "result": ended.result,
        "milliseconds": ended.milliseconds,
        "differences": differences(run, response, answer),
        "comparesBody": response is not None and answer.answer is not None,
    }


def _number(text: str) -> int:
    return min(max(1, int(text)), MOST) if text.isascii() and text.isdigit() and len(text) <= len("000") else _USUAL


def _rows(definition: ApiDefinition, count: int) -> Iterator[SeriesRow]:
    kinds = (RunKind.TRIGGER, RunKind.MESSAGE)
    found = Run.objects.filter(definition_id=definition.pk, kind__in=kinds).exclude(status__in=_GOES_ON)
    runs = list(found.order_by("-id")[:count])
    requests = dict(RunBodies.objects.filter(pk__in=[run.pk for run in runs]).values_list("pk", "request"))
    for run in runs:
        yield SeriesRow(run, outcome_of_run(run), _why_skipped(requests.get(run.pk)))


def _why_skipped(request: str | None) -> str:
    """Why the request that a run was sent cannot be sent again as it was; empty if it can."""
    if not request:
        return _("The request was not kept.")
    kept = msgspec.json.decode(request, type=KeptRequest)
    if kept.is_cut or kept.unlisted or kept.body is None:
        return _("The request was not kept as a whole.")
    if masked := values_needed(kept):
        names = sorted({place.name or _("in the body") for place in masked})
        return _("Values are masked: %(names)s") % {"names": ", ".join(names)}
    return ""


def _versions(definition: ApiDefinition) -> Sequence[int]:
    """The numbers of the versions that can run, the newest first."""
    known = ScriptVersion.objects.filter(is_ready(), script=definition.script_id).order_by("-number")
    return list(known.values_list("number", flat=True)[:_VERSIONS])
