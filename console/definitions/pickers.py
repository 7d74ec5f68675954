"""The parts of a definition's form that grow while one types: answers in HTML, each behind the flags it needs."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from access.policy import DEFINITION, SCRIPT, TOKEN, AnyUser, allows
from automation.models import AutomationScript
from console.definitions import route_check
from console.scripts import analysis
from foundation.texts import is_storable
from tokens.models import ApiToken

OFFERED = 50


def check_route(request: HttpRequest) -> HttpResponse:
    """What is to be said about the route that is being typed."""
    _require(request.user, DEFINITION)
    route = request.GET.get("route", "")
    found = route_check.check(route if is_storable(route) else "\0", _as_id(request.GET.get("own", "")))
    return TemplateResponse(request, "console/definitions/route_check.html", {"check": found})


def pick_script(request: HttpRequest) -> HttpResponse:
    """The scripts that fit what is being typed, by name."""
    _require(request.user, SCRIPT)
    found = _search(AutomationScript.objects.order_by("name"), request, "description")
    context = {"scripts": analysis.summaries(list(found[:OFFERED]))}
    return TemplateResponse(request, "console/definitions/script_options.html", context)


def show_script(request: HttpRequest) -> HttpResponse:
    """What is known of one script."""
    _require(request.user, SCRIPT)
    wanted = _as_id(request.GET.get("script", ""))
    script = AutomationScript.objects.filter(pk=wanted).first() if wanted else None
    context = {"script": analysis.summary(script) if script else None}
    return TemplateResponse(request, "console/definitions/script_card.html", context)


def pick_tokens(request: HttpRequest) -> HttpResponse:
    """The tokens that fit what is being typed, by name."""
    _require(request.user, TOKEN)
    found = _search(ApiToken.objects.order_by("name", "id"), request)
    context = {"tokens": found[:OFFERED], "more": found.count() - OFFERED}
    return TemplateResponse(request, "console/definitions/token_options.html", context)


def _search(rows: "QuerySet[Any]", request: HttpRequest, *further: str) -> "QuerySet[Any]":
    text = request.GET.get("q", "").strip()
    if not text:
        return rows
    if not is_storable(text):
        return rows.none()
    wanted_id = _as_id(text)
    found = Q(pk=wanted_id) if wanted_id else Q()
    for column in ("name", *further):
        found |= Q(**{f"{column}__icontains": text})
    return rows.filter(found)


def _require(user: AnyUser | AnonymousUser, label: str) -> None:
    """Refuse who may not view objects of `label`, or has no business with the form of a definition.

    Raises:
        PermissionDenied: he gets nothing.
    """
    if not (allows(user, label, "view") and allows(user, DEFINITION, "view") and allows(user, DEFINITION, "change")):
        raise PermissionDenied


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
