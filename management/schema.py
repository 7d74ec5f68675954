"""`schema/` and `docs/`: the OpenAPI document and a page that shows it. Both need no log-in."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request

from management.query_string import invalid, only
from management.views import ManagementView


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document, the same for all users and as long as the process lives."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


@cache
def as_yaml() -> bytes:
    """The document as in `docs/openapi.yaml`."""
    return bytes(OpenApiYamlRenderer().render(document(), renderer_context={}))  # type: ignore[no-untyped-call]


def as_json() -> str:
    return json.dumps(document())


_FORMATS: Mapping[str, tuple[Callable[[], str | bytes], str]] = {
    "json": (as_json, "application/vnd.oai.openapi+json"),
    "yaml": (as_yaml, "application/vnd.oai.openapi"),
}


class SchemaView(ManagementView):
    authentication_classes = ()
    permission_classes = ()
    needs = None
    schema = None

    def get(self, request: Request) -> HttpResponse:
        """JSON, or YAML with `?format=yaml`."""
        wanted = only(request, ("format",)).get("format", "json")
        if wanted not in _FORMATS:
            invalid("format", "The format must be json or yaml.")
        render, media_type = _FORMATS[wanted]
        return HttpResponse(render(), content_type=media_type)


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI, from files of this installation."""

    authentication_classes = ()
    template_name = "management/docs.html"
    url_name = "management-schema"
    title = "User-Defined APIs: management API"
    schema = None
