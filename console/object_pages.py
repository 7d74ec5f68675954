"""View and RawView of an object: the readable page, and the JSON exactly as the management API gives it."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from access.pages import PolicyAdmin
from access.policy import DEFINITION, SCRIPT, TOKEN
from console.readable import ReadableRow, rows_of

_API: Final[Mapping[str, Callable[[Any], str]]] = {
    DEFINITION: lambda definition: f"definitions/{definition.pk}/",
    TOKEN: lambda token: f"tokens/{token.pk}/",
    SCRIPT: lambda script: f"scripts/{quote(script.name, safe='')}/",
}


def object_page(obj: Any, kind: str) -> str:
    """The address of a page about `obj`: its `change`, `view`, `raw`, `history` or `delete`."""
    return reverse(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_{kind}", args=[obj.pk])


class ReadablePages(PolicyAdmin):
    """Adds the two pages; whoever may view the object may see them."""

    def get_urls(self) -> list[URLPattern]:
        """The pages, before the address that takes whatever is left."""
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        pages = [
            path(f"<path:object_id>/{kind}/", self.admin_site.admin_view(page), name=f"{prefix}_{kind}")
            for kind, page in (("view", self.readable_page), ("raw", self.raw_page))
        ]
        return [*pages, *super().get_urls()]

    def readable_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The object to be read."""
        obj = self._viewed(request, object_id)
        rows: list[ReadableRow] = rows_of(request.user, obj)
        return self._answer(request, obj, "console/view.html", {"title": _("View"), "rows": rows})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """What was done to the object in the console, and the way to all its events."""
        may = {
            "has_change_permission": self.has_change_permission(request),
            "events_page": f"{reverse('admin:events_informationevent_changelist')}?q={quote(object_id)}",
        }
        return super().history_view(request, object_id, may | (extra_context or {}))

    def raw_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The object's JSON; the browser asks the management API itself, so that it is the very same."""
        obj = self._viewed(request, object_id)
        address = f"/api/management/{_API[self.opts.label_lower](obj)}"
        return self._answer(request, obj, "console/raw.html", {"title": _("Raw view"), "address": address})

    def _viewed(self, request: HttpRequest, object_id: str) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        return obj

    def _answer(self, request: HttpRequest, obj: Any, template: str, context: dict[str, Any]) -> HttpResponse:
        known = {"opts": self.opts, "original": obj, "subtitle": str(obj), "media": self.media}
        known["has_change_permission"] = self.has_change_permission(request, obj)
        return TemplateResponse(request, template, self.admin_site.each_context(request) | known | context)
