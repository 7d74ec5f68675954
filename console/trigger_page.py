"""The trigger page, which runs an API as the user, or calls it over HTTP or directly at a worker.

The browser sends everything itself, so a secret reaches the server only as it does from any client.
"""

from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_safe

from access.policy import DEFINITION, MESSAGE, RUN, allows
from console import cells
from console.definitions import curl
from console.event_names import visible_objects
from console.lists import search
from console.run_actions import wire
from definitions import routes
from definitions.models import ApiDefinition, InputType
from endpoint.trigger_request import LONGEST_QUERY_STRING
from foundation.ids import parse_uuid
from foundation.limits import LARGEST_TRIGGER_BODY

OFFERED: Final = 30
MOST_IDS: Final = 20


def trigger_url(definition: ApiDefinition) -> str:
    """The page that tries `definition`."""
    return reverse("admin:definitions_apidefinition_try", args=[definition.pk])


def require_runner(request: HttpRequest) -> None:
    """Raises PermissionDenied for users who may not run APIs."""
    if not allows(request.user, RUN, "add"):
        raise PermissionDenied


@require_safe
def trigger_page(request: HttpRequest) -> TemplateResponse:
    """The form and the responses; the address may name the definition to start with."""
    require_runner(request)
    wanted = parse_uuid(request.GET.get("definition", ""))
    chosen = curl.with_parameters(ApiDefinition.objects.filter(pk=wanted)).first() if wanted else None
    context = admin.site.each_context(request) | panel_context(request, chosen)
    further = {
        "title": _("Trigger"),
        "may_publish": allows(request.user, DEFINITION, "add"),
        "has_definitions": chosen is not None or ApiDefinition.objects.exists(),
    }
    return TemplateResponse(request, "console/trigger.html", context | further)


def panel_context(request: HttpRequest, chosen: ApiDefinition | None) -> dict[str, Any]:
    """What the form and the responses need; `chosen` is the definition to start with, read `with_parameters`."""
    return {
        "chosen": None if chosen is None else _described(chosen),
        "prefix": curl.base_url(),
        "path_prefix": f"/{routes.PREFIX}",
        "largest_body": LARGEST_TRIGGER_BODY,
        "longest_query": LONGEST_QUERY_STRING,
        "may_send": allows(request.user, MESSAGE, "send"),
        "may_view_runs": allows(request.user, RUN, "view"),
        "run_page": wire.address_of("run"),
    }


@require_GET
def names_of_ids(request: HttpRequest) -> JsonResponse:
    """The names and pages of the objects that a reason names by their ids, as far as the user may view them."""
    require_runner(request)
    ids = [found for text in request.GET.getlist("id")[:MOST_IDS] if (found := parse_uuid(text)) is not None]
    known = visible_objects(ids, request.user)
    return JsonResponse({"names": {str(key): {"name": each.name, "page": each.page} for key, each in known.items()}})


@require_GET
def offered_definitions(request: HttpRequest) -> JsonResponse:
    """The definitions that match the typed text, for the page's list."""
    require_runner(request)
    known = curl.with_parameters(ApiDefinition.objects.order_by("route"))
    found = search(known, request.GET.get("q"), ("route", "name", "description"))
    return JsonResponse({"definitions": [_described(one) for one in found[:OFFERED]]})


def _described(definition: ApiDefinition) -> dict[str, Any]:
    """What the page fills in. Parameter names are not confidential here: the errors of messages name them."""
    return {
        "id": str(definition.pk),
        "route": definition.route,
        "name": definition.name,
        "description": definition.description,
        "isDisabled": definition.is_disabled,
        "pinnedTo": definition.script_version,
        "takesParameters": definition.input_type != InputType.RAW_BODY,
        "parameters": curl.parameters_of(definition),
        "contentTypes": definition.content_types,
        "page": cells.page_of(definition),
    }
