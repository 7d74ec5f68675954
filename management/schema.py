"""`schema/` and `docs/`: the OpenAPI document and a page that shows it. Both need no log-in."""

import json
from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request

from management.lists import only
from management.views import ManagementView
from objects.serializers import invalid_field


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document, the same for all users and as long as the process lives."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


@cache
def as_yaml() -> bytes:
    """The document as in `docs/openapi.yaml`."""
    return bytes(OpenApiYamlRenderer().render(document(), renderer_context={}))  # type: ignore[no-untyped-call]


class SchemaView(ManagementView):
    authentication_classes = ()
    permission_classes = ()
    needs = None
    schema = None

    def get(self, request: Request) -> HttpResponse:
        """JSON, or YAML with `?format=yaml`."""
        match only(request, ("format",)).get("format", "json"):
            case "json":
                return HttpResponse(json.dumps(document()), content_type="application/vnd.oai.openapi+json")
            case "yaml":
                return HttpResponse(as_yaml(), content_type="application/vnd.oai.openapi")
        raise invalid_field("format", "The format must be json or yaml.")


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI, from files of this installation."""

    authentication_classes = ()
    http_method_names = ("get", "head")
    template_name = "management/docs.html"
    url_name = "management-schema"
    title = "User-Defined APIs: management API"
    schema = None
