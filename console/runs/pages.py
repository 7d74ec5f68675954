"""The pages of runs that change nothing: the list, a run, its log, and what was kept of request and response."""

from functools import partial
from typing import Any, Final
from uuid import UUID

import redis
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from access.policy import RUN, TOKEN, AnyUser, allows
from console.runs import filters
from console.runs.family import family_of
from console.runs.rows import KIND_WORDS, ShownRun, later_of, run_page, shown, shown_alone
from console.runs.tracebacks import report_of
from foundation.ids import parse_uuid
from runs import bodies, selection
from runs.explanations import STATUS_WORDS, explain
from runs.models import Run

LISTED: Final = 50
_LONGEST_NUMBER: Final = 10


def require_reader(user: AnyUser) -> None:
    """Raises PermissionDenied for users who may not view runs."""
    if not allows(user, RUN, "view"):
        raise PermissionDenied


def found_run(run_id: UUID) -> Run:
    """The run as it is known now.

    Raises:
        Http404: there is none.
    """
    try:
        run = selection.find(run_id)
    except redis.RedisError:
        run = None
    if run is None:
        raise Http404
    return run


@require_safe
def runs_page(request: HttpRequest) -> HttpResponse:
    """The runs that match the filters of the address, the newest first. The id of a run leads to its page."""
    require_reader(request.user)
    if run := run_typed(request):
        return HttpResponseRedirect(run)
    context = admin.site.each_context(request) | {"list_page": reverse("admin:runs")} | list_of_runs(request)
    return TemplateResponse(request, "console/runs/list.html", context)


def run_typed(request: HttpRequest) -> str:
    """The page of the run whose id the user has typed; empty if there is none."""
    typed = _typed_id(request)
    return reverse("admin:run", args=[typed]) if typed and _is_there(typed) else ""


def _typed_id(request: HttpRequest) -> UUID | None:
    return parse_uuid(request.GET.get("q", "").strip())


def list_of_runs(request: HttpRequest, definition: UUID | None = None) -> dict[str, Any]:
    """What the list shows, on the page of all runs or on that of one API; the page adds `list_page`, its address."""
    wanted = filters.read(request.GET, request.user, definition)
    runs, older, newer = _page(request, wanted)
    return {
        "title": _("Runs"),
        "wanted": wanted,
        "chips": [chip for chip in wanted.chips if chip.name != "q"],
        "quick": list(filters.quick_choices(request.GET)),
        "spans": filters.SPANS,
        "statuses": STATUS_WORDS,
        "kinds": KIND_WORDS,
        "rows": shown(runs, request.user),
        "older": older,
        "newer": newer,
        "newest": filters.without(request.GET),
        "repeat_page": _repeat_page(request, wanted),
        "is_unknown_id": _typed_id(request) is not None,
        "sees_tokens": allows(request.user, TOKEN, "view"),
        "is_first": not request.GET.keys() & {"before", "after"},
    }


def _repeat_page(request: HttpRequest, wanted: filters.Wanted) -> str:
    """Where the last runs of the API of the list are run again; empty without one, or where the user may not."""
    chosen = wanted.filters.definition
    return reverse("admin:run_series", args=chosen) if len(chosen) == 1 and allows(request.user, RUN, "replay") else ""


def _is_there(run_id: UUID) -> bool:
    try:
        return selection.find(run_id) is not None
    except redis.RedisError:
        return False


def _page(request: HttpRequest, wanted: filters.Wanted) -> tuple[list[Run], str, str]:
    """A page of runs, and the addresses of the next and of the previous one, empty if there is none."""
    if wanted.is_invalid:
        return [], "", ""
    after, before = (parse_uuid(request.GET.get(name, "")) for name in ("after", "before"))
    if after is not None:
        newer, following = selection.page_after(wanted.filters, after, LISTED)
        if following is not None:
            oldest = newer[0].pk if newer else UUID(int=after.int + 1)
            return newer[::-1], _beside(request, before=oldest), _beside(request, after=following)
        before = None
    runs, following = selection.page(wanted.filters, before, LISTED)
    older = _beside(request, before=following) if following else ""
    if before is None:
        return runs, older, ""
    return runs, older, _beside(request, after=runs[0].pk if runs else before)


def _beside(request: HttpRequest, **cursor: UUID) -> str:
    return filters.without(request.GET, **{name: str(key) for name, key in cursor.items()})


@require_safe
def page_of_run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """One run: what happened and what it means, the way in time, the log, who asked, and its subscripts."""
    require_reader(request.user)
    run = found_run(run_id)
    shown_run = shown_alone(run, request.user)
    lines, is_complete = _log(run, 0)
    context = run_context(request, shown_run) | {
        "explanation": explain(run),
        "report": report_of(run.message, partial(shown_run.references.page_of_source, run)),
        "later": later_of(run),
        "libraries": shown_run.references.libraries_of(run),
        "lines": lines,
        "is_complete": is_complete,
        "may_have_log": lines or not is_complete or run.started_at is not None,
        "family": family_of(run, request.user),
        "may_view_bodies": allows(request.user, RUN, "view_bodies"),
    }
    return TemplateResponse(request, "console/runs/run.html", context)


def run_context(request: HttpRequest, shown_run: ShownRun) -> dict[str, Any]:
    """What every page about a run needs."""
    return admin.site.each_context(request) | {
        "title": shown_run.title,
        "shown": shown_run,
        "run": shown_run.run,
    }


def _log(run: Run, start: int) -> tuple[list[tuple[str, str]], bool]:
    """The lines from number `start` on with their seconds, and whether there will be no more.

    There are none while Redis does not answer.
    """
    try:
        lines, is_complete = selection.log_lines(run, start)
    except redis.RedisError:
        return [], False
    return [(f"{line.milliseconds / 1_000:.3f}", line.text) for line in lines], is_complete


@require_safe
def log_of_run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The lines of the log from number `start` on, as JSON, for the page that follows them."""
    require_reader(request.user)
    run = found_run(run_id)
    start = request.GET.get("start", "")
    number = int(start) if start.isascii() and start.isdigit() and len(start) < _LONGEST_NUMBER else 0
    lines, is_complete = _log(run, number)
    return JsonResponse({"lines": lines, "next": number + len(lines), "isOver": run.is_over, "isComplete": is_complete})


@require_http_methods(["GET", "HEAD", "POST"])
def bodies_page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """What was kept of request and response: with POST, because each look leaves an event."""
    require_reader(request.user)
    if not allows(request.user, RUN, "view_bodies"):
        raise PermissionDenied
    run = found_run(run_id)
    if not run.has_bodies:
        return HttpResponseRedirect(run_page(run))
    is_look = request.method == "POST"
    kept = bodies.bodies_of(run, request.user.get_username()) if is_look else None
    headers = kept.response.headers if kept and kept.response else {}
    context = run_context(request, shown_alone(run, request.user)) | {
        "kept": kept,
        "is_look": is_look,
        "response_headers": [(name, value) for name, values in headers.items() for value in values],
    }
    return TemplateResponse(request, "console/runs/bodies.html", context)
