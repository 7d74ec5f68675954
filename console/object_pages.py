"""View, JSON and History of an object."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import quote

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from access.policy import CREDENTIAL, DEFINITION, SCRIPT, TOKEN
from console.lists import NamedRows
from console.readable import rows_of

# Scripts have their name in the management API, the others their id.
_API: Final[Mapping[str, Callable[[Any], str]]] = {
    DEFINITION: lambda definition: f"definitions/{definition.pk}/",
    TOKEN: lambda token: f"tokens/{token.pk}/",
    CREDENTIAL: lambda credential: f"credentials/{credential.pk}/",
    SCRIPT: lambda script: f"scripts/{quote(script.name, safe='')}/",
}


class ReadablePages(NamedRows):
    """The pages of an object that change nothing."""

    content: ClassVar[Sequence[str]] = ()
    """The fields that users fill in."""
    further_rows: ClassVar[Sequence[str]] = ()
    """Fields and relations that only the readable page shows."""
    readable_template: ClassVar = "console/view.html"

    def get_urls(self) -> list[URLPattern]:
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        pages = [
            path(f"<path:object_id>/{kind}/", self.admin_site.admin_view(page), name=f"{prefix}_{kind}")
            for kind, page in (("view", self.readable_page), ("raw", self.raw_page))
        ]
        # Django's own last address takes whatever is left.
        return [*pages, *super().get_urls()]

    def readable_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The object to be read."""
        obj = self._viewed(request, object_id)
        rows = rows_of(request.user, obj, (*self.content, *self.further_rows))
        context = {"title": _("View"), "rows": rows, **self.readable_context(request, obj)}
        return self._answer(request, obj, self.readable_template, context)

    def readable_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """What `readable_template` shows besides the rows."""
        return {}

    def raw_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The object's JSON. The browser asks the management API itself, so it shows exactly what a client gets."""
        obj = self._viewed(request, object_id)
        address = f"/api/management/{_API[self.opts.label_lower](obj)}"
        return self._answer(request, obj, "console/raw.html", {"title": _("JSON"), "address": address})

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The changes made in the console, and a link to all events of the object."""
        known = {
            "has_change_permission": self.has_change_permission(request),
            "events_page": f"{reverse('admin:events_informationevent_changelist')}?q={quote(object_id)}",
        }
        return super().history_view(request, object_id, known | (extra_context or {}))

    def _viewed(self, request: HttpRequest, object_id: str) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self.found(request, object_id)

    def found(self, request: HttpRequest, object_id: str) -> Any:
        """The object of an address.

        Raises:
            Http404: there is none.
        """
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        return obj

    def _answer(self, request: HttpRequest, obj: Any, template: str, context: dict[str, Any]) -> HttpResponse:
        may_change = self.has_change_permission(request)
        context = self.object_context(request, obj, has_change_permission=may_change, **context)
        return TemplateResponse(request, template, context)
