"""The parts of a definition's form that the browser loads while the user types."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from access.policy import DEFINITION, SCRIPT, TOKEN, AnyUser, allows
from automation.models import AutomationScript
from automation.versions import ScriptKind, ScriptVersion
from console.definitions import route_check
from console.lists import search
from console.scripts import analysis
from foundation.ids import parse_uuid
from foundation.texts import is_storable
from tokens.models import ApiToken

OFFERED = 50
OFFERED_VERSIONS = 100
LONGEST_NUMBER = 10


def check_route(request: HttpRequest) -> HttpResponse:
    """Whether the typed route is free, and which other APIs answer its paths."""
    _require(request.user, DEFINITION)
    route = request.GET.get("route", "")
    found = route_check.check(route if is_storable(route) else "\0", parse_uuid(request.GET.get("own", "")))
    return TemplateResponse(request, "console/definitions/route_check.html", {"check": found})


def pick_script(request: HttpRequest) -> HttpResponse:
    """The scripts that match the typed text, by name. No API runs a library."""
    _require(request.user, SCRIPT)
    known = AutomationScript.objects.filter(kind=ScriptKind.SCRIPT).order_by("name")
    found = search(known, request.GET.get("q"), ("name", "description"), id_at="pk")
    context = {"scripts": analysis.summaries(list(found[:OFFERED]))}
    return TemplateResponse(request, "console/definitions/script_options.html", context)


def show_script(request: HttpRequest) -> HttpResponse:
    """One script with its entry points and parameters."""
    _require(request.user, SCRIPT)
    wanted = parse_uuid(request.GET.get("script", ""))
    script = AutomationScript.objects.filter(pk=wanted).first() if wanted else None
    context = {"script": analysis.summaries([script])[0] if script else None}
    return TemplateResponse(request, "console/definitions/script_card.html", context)


def show_versions(request: HttpRequest) -> HttpResponse:
    """The versions of a script to pin an API to: the newest ones, and the one that it is pinned to."""
    _require(request.user, SCRIPT)
    wanted = parse_uuid(request.GET.get("script", ""))
    script = AutomationScript.objects.filter(pk=wanted).defer("source").first() if wanted else None
    pinned = _number(request.GET.get("pinned", ""))
    context = {"script": script, "versions": _versions(script, pinned) if script else [], "pinned": pinned}
    return TemplateResponse(request, "console/definitions/version_options.html", context)


def _versions(script: AutomationScript, pinned: int | None) -> list[ScriptVersion]:
    rows = ScriptVersion.objects.filter(script=script).select_related("build").order_by("-number")
    known = rows.defer("source", "parameters", "build__log", "build__requirements")
    newest = list(known[:OFFERED_VERSIONS])
    if pinned is None or pinned in {version.number for version in newest}:
        return newest
    return [*newest, *known.filter(number=pinned)]


def pick_tokens(request: HttpRequest) -> HttpResponse:
    """The tokens that match the typed text, by name."""
    _require(request.user, TOKEN)
    found = search(ApiToken.objects.order_by("name", "id"), request.GET.get("q"), ("name",), id_at="pk")
    context = {"tokens": found[:OFFERED], "more": found.count() - OFFERED}
    return TemplateResponse(request, "console/definitions/token_options.html", context)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < LONGEST_NUMBER else None


def _require(user: AnyUser, label: str) -> None:
    """Let in users who may view objects of `label` and change definitions.

    Raises:
        PermissionDenied: the user may not.
    """
    if not (allows(user, label, "view") and allows(user, DEFINITION, "view") and allows(user, DEFINITION, "change")):
        raise PermissionDenied


VIEWS = (check_route, pick_script, show_script, show_versions, pick_tokens)
