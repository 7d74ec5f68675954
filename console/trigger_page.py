"""The trigger page: tries an API, past HTTP or through it. What is sent, the browser sends itself, so that a secret
passes by the console's server only as it passes by any endpoint."""

from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View

from access.policy import DEFINITION, MESSAGE, allows
from definitions import routes
from definitions.models import ApiDefinition, InputType
from endpoint.trigger_request import LONGEST_QUERY_STRING
from foundation.limits import LARGEST_TRIGGER_BODY
from foundation.texts import is_storable

OFFERED: Final = 30


def trigger_url(definition: ApiDefinition) -> str:
    """The page that tries `definition`."""
    return f"{reverse('admin:trigger')}?definition={definition.pk}"


class SenderView(View):
    """For who may send the trigger message."""

    site: AdminSite = admin.site

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The page.

        Raises:
            PermissionDenied: the user may not send the message.
        """
        if not allows(request.user, MESSAGE, "send"):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)


class TriggerPage(SenderView):
    """The form and the answers; all of it happens in the browser."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> TemplateResponse:
        """The page, with a definition chosen where the address names one."""
        chosen = _by_id(request.GET.get("definition", ""))
        context = self.site.each_context(request) | {
            "title": _("Trigger"),
            "chosen": None if chosen is None else _described(chosen),
            "prefix": f"{settings.UDAPI_PUBLIC_URL}/{routes.PREFIX}",
            "path_prefix": f"/{routes.PREFIX}",
            "largest_body": LARGEST_TRIGGER_BODY,
            "longest_query": LONGEST_QUERY_STRING,
            "may_publish": allows(request.user, DEFINITION, "add"),
            "has_definitions": chosen is not None or ApiDefinition.objects.exists(),
        }
        return TemplateResponse(request, "console/trigger.html", context)


class OfferedDefinitions(SenderView):
    """The definitions that fit what was typed, for the page's list."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> JsonResponse:
        """The first of them by route."""
        term = request.GET.get("q", "").strip()
        found = _matching(term).select_related("script").order_by("route")[:OFFERED]
        return JsonResponse({"definitions": [_described(one) for one in found]})


def _matching(term: str) -> "QuerySet[ApiDefinition]":
    if not is_storable(term):
        return ApiDefinition.objects.none()
    wanted = Q(route__icontains=term) | Q(name__icontains=term) | Q(description__icontains=term)
    return ApiDefinition.objects.filter(wanted) if term else ApiDefinition.objects.all()


def _by_id(text: str) -> ApiDefinition | None:
    try:
        return ApiDefinition.objects.select_related("script").filter(pk=UUID(text)).first()
    except ValueError:
        return None


def _described(definition: ApiDefinition) -> dict[str, Any]:
    """What the page fills in. Parameters are named by the message's own errors, so they are no secret here."""
    return {
        "id": str(definition.pk),
        "route": definition.route,
        "name": definition.name,
        "description": definition.description,
        "takesParameters": definition.input_type != InputType.RAW_BODY,
        "parameters": definition.script.parameters if definition.script else [],
        "page": reverse("admin:definitions_apidefinition_change", args=[definition.pk]),
    }
