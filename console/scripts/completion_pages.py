"""What the editor asks the server for to complete a source: the outline of the SDK, the names in a library, and the
modules of packages.
"""

import hashlib
import json
import keyword
from dataclasses import asdict
from functools import cache
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.http import condition

from access.policy import CREDENTIAL, AnyUser, allows
from automation.models import AutomationScript
from automation.package_modules import modules_of
from automation.source import contents
from automation.versions import ScriptKind
from console.object_pages import ReadablePages
from console.scripts.sdk_outline import sdk_outline

MOST_LIBRARIES: Final = 1_000
"""How many names of libraries a page holds."""


def known_names(user: AnyUser, script: AutomationScript | None) -> dict[str, list[str]]:
    """The names that the page of a script holds: of libraries, and of the credentials that the script may read.

    Users who may not see credentials learn no name of one.
    """
    libraries = AutomationScript.objects.filter(kind=ScriptKind.LIBRARY).order_by("name")
    granted = script.credentials.order_by("name") if script and allows(user, CREDENTIAL, "view") else None
    return {
        "libraries": list(libraries.values_list("name", flat=True)[:MOST_LIBRARIES]),
        "credentials": [] if granted is None else list(granted.values_list("name", flat=True)),
    }


class CompletionPages(ReadablePages):
    """The addresses behind the editor's completion, for those who may see scripts."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            # Cacheable: the browser asks again, and is told that nothing has changed.
            path("sdk/", view(self.sdk_view, cacheable=True), name="scripts_sdk"),
            path("library/", view(self.library_view), name="scripts_library"),
            path("modules/", view(self.modules_view), name="scripts_modules"),
            *super().get_urls(),
        ]

    def sdk_view(self, request: HttpRequest) -> HttpResponse:
        """The outline of the SDK and the keywords of Python, which stay the same until the product is upgraded.

        Raises:
            PermissionDenied: the user may not see scripts.
        """
        self._check_reader(request)
        answer = _outline(request)
        answer["Cache-Control"] = "private, no-cache"
        return answer

    def library_view(self, request: HttpRequest) -> HttpResponse:
        """The names that a library offers; none for an unknown one.

        Raises:
            PermissionDenied: the user may not see scripts.
        """
        self._check_reader(request)
        named = AutomationScript.objects.filter(kind=ScriptKind.LIBRARY, name=request.GET.get("name", ""))
        source = named.values_list("source", flat=True).first() or ""
        return JsonResponse({"names": [name for name in contents(source).names or () if not name.startswith("_")]})

    def modules_view(self, request: HttpRequest) -> HttpResponse:
        """The modules of the packages with a digest that `check/` told; null as long as no node has installed them.

        Raises:
            PermissionDenied: the user may not see scripts.
        """
        self._check_reader(request)
        return JsonResponse({"modules": modules_of(request.GET.get("packages", ""))})

    def _check_reader(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied


@cache
def _outline_json() -> bytes:
    outline = {"keywords": keyword.kwlist, **asdict(sdk_outline())}
    return json.dumps(outline, separators=(",", ":")).encode()


@cache
def _outline_tag() -> str:
    return f'"{hashlib.sha256(_outline_json()).hexdigest()[:32]}"'


@condition(etag_func=lambda _request: _outline_tag())
def _outline(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(_outline_json(), content_type="application/json")
