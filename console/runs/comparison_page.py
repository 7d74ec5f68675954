"""Two runs side by side: what was called, how it ended, how long it took, and what differs in log and bodies."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import redis
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from access.policy import RUN, allows
from console.runs.durations import in_words
from console.runs.pages import found_run, require_reader, run_context
from console.runs.rows import ShownRun, shown
from console.scripts.differences import Difference, difference
from foundation.ids import parse_uuid
from runs import bodies, selection
from runs.models import Run
from runs.selection import RunFilters

OFFERED: Final = 20


@dataclass(frozen=True)
class ComparedText:
    """A text of both runs; `found` is None where it is the same."""

    title: Promise
    found: Difference | None
    is_empty: bool


@require_http_methods(["GET", "HEAD", "POST"])
def comparison_page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The run beside another one (`with` in the address), or a choice of others.

    With POST, the kept requests and responses are compared, too: each of these looks leaves an event.
    """
    require_reader(request.user)
    run, other_id = found_run(run_id), parse_uuid(request.GET.get("with", "").strip())
    is_look = request.method == "POST"
    if is_look and not allows(request.user, RUN, "view_bodies"):
        raise PermissionDenied
    if other_id is None:
        return _choice(request, run)
    pair = (run, found_run(other_id))
    one, other = _side_by_side(request, pair)
    context = run_context(request, one) | {
        "other": other,
        "pair": [one, other],
        "rows": list(_rows(one, other)),
        "texts": list(_texts(*pair)),
        "bodies": list(_bodies(request, pair)) if is_look else None,
        "may_look": allows(request.user, RUN, "view_bodies") and all(each.has_bodies for each in pair),
    }
    return TemplateResponse(request, "console/runs/comparison.html", context)


def _choice(request: HttpRequest, run: Run) -> HttpResponse:
    """Other runs of the same API or script, to choose from."""
    same = {"definition": [run.definition_id]} if run.definition_id else {"script": [str(run.script_id)]}
    found, _older = selection.page(RunFilters(**same), None, OFFERED + 1)
    others = [each for each in found if each.pk != run.pk][:OFFERED]
    (one,) = shown([run], request.user)
    typed = request.GET.get("with", "").strip()
    context = run_context(request, one) | {"others": shown(others, request.user), "is_invalid": bool(typed)}
    return TemplateResponse(request, "console/runs/comparison_choice.html", context)


def _side_by_side(request: HttpRequest, pair: Sequence[Run]) -> tuple[ShownRun, ShownRun]:
    one, other = shown(pair, request.user)
    return one, other


def _rows(one: ShownRun, other: ShownRun) -> Iterator[tuple[Promise, str, str, bool]]:
    """Label, both values, and whether they differ."""
    for label, read in _FACTS:
        first, second = read(one), read(other)
        if first or second:
            yield label, first, second, first != second


def _version(seen: ShownRun) -> str:
    run = seen.run
    return f"{run.script_name} {_('version %d') % run.script_version}" if run.script_version else run.script_name


_FACTS: Final[Sequence[tuple[Promise, Any]]] = (
    (gettext_lazy("Status"), lambda seen: str(seen.status_word)),
    (gettext_lazy("Code"), lambda seen: str(seen.code or "")),
    (gettext_lazy("Error"), lambda seen: str(seen.run.error_code or "")),
    (gettext_lazy("Called"), lambda seen: seen.title),
    (gettext_lazy("Script"), _version),
    (gettext_lazy("Libraries"), lambda seen: seen.run.libraries.replace("@", " ")),
    (gettext_lazy("Token"), lambda seen: seen.token),
    (gettext_lazy("User"), lambda seen: seen.run.user),
    (gettext_lazy("Node"), lambda seen: str(seen.run.node or "")),
    (gettext_lazy("Waited"), lambda seen: in_words(seen.run.queue_milliseconds)),
    (gettext_lazy("Ran"), lambda seen: in_words(seen.run.run_milliseconds)),
    (gettext_lazy("In all"), lambda seen: seen.bar.text),
    (gettext_lazy("Bytes of the request"), lambda seen: str(seen.run.request_bytes)),
    (gettext_lazy("Bytes of the response"), lambda seen: str(seen.run.response_bytes)),
)


def _texts(one: Run, other: Run) -> Iterator[ComparedText]:
    yield _compared(gettext_lazy("Message"), one.message.rstrip(), other.message.rstrip())
    yield _compared(gettext_lazy("Log"), _log(one), _log(other))


def _log(run: Run) -> str:
    """The lines without their times, which always differ."""
    try:
        lines, _is_complete = selection.log_lines(run)
    except redis.RedisError:
        return ""
    return "\n".join(line.text for line in lines)


def _compared(title: Promise, old: str, new: str) -> ComparedText:
    return ComparedText(title, None if old == new else difference(old, new), not old and not new)


def _bodies(request: HttpRequest, pair: Sequence[Run]) -> Iterator[ComparedText]:
    """What was kept of both requests and responses."""
    name = request.user.get_username()
    old, new = (_kept_texts(bodies.bodies_of(run, name)) for run in pair)
    for (title, first), (_title, second) in zip(old, new, strict=True):
        yield _compared(title, first, second)


def _kept_texts(kept: bodies.KeptBodies | None) -> list[tuple[Promise, str]]:
    request, response = (kept.request, kept.response) if kept else (None, None)
    headers = response.headers if response else {}
    return [
        (gettext_lazy("Query"), _pairs(request.query if request else ())),
        (gettext_lazy("Request headers"), _pairs(request.headers if request else ())),
        (gettext_lazy("Request body"), _readable(request.body if request else "")),
        (gettext_lazy("Response headers"), _pairs((name, each) for name, values in headers.items() for each in values)),
        (gettext_lazy("Response body"), _readable(response.body if response else "")),
    ]


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in pairs)


def _readable(body: str | None) -> str:
    """JSON with its members sorted, one a line; other text as it is."""
    if body is None:
        return _("(not text)")
    try:
        return json.dumps(json.loads(body), indent=2, sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body
