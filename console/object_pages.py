"""The pages about one object: their head, and those that change nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import quote

from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from access.policy import CREDENTIAL, DEFINITION, SCRIPT, TOKEN
from console.changes_page import ChangesPages
from console.object_head import LinkedTab, ObjectAction, ObjectHead, ObjectTab
from console.readable import rows_of

# Scripts have their name in the management API, the others their id.
_API: Final[Mapping[str, Callable[[Any], str]]] = {
    DEFINITION: lambda definition: f"definitions/{definition.pk}/",
    TOKEN: lambda token: f"tokens/{token.pk}/",
    CREDENTIAL: lambda credential: f"credentials/{credential.pk}/",
    SCRIPT: lambda script: f"scripts/{quote(script.name, safe='')}/",
}


class ReadablePages(ChangesPages):
    """The pages of an object that change nothing, and the head of all of its pages."""

    content: ClassVar[Sequence[str]] = ()
    """The fields that users fill in."""
    further_rows: ClassVar[Sequence[str]] = ()
    """Fields and relations that only the readable page shows."""
    readable_template: ClassVar = "console/view.html"
    has_json: ClassVar = True
    """Whether the management API has these objects."""
    tab_of_kind: ClassVar[Mapping[str, str]] = {"change": "view"}
    """The tab to which a page belongs that is none itself, by the kinds of both."""

    def tabs(self, request: HttpRequest, obj: Any) -> Sequence[ObjectTab]:
        """The tabs that the user may view, in their order; the first one is the page to read."""
        return [ObjectTab("view", _("Overview")), ObjectTab("history", _("Changes"))]

    def actions_on(self, request: HttpRequest, obj: Any) -> Sequence[ObjectAction]:
        """What the user may do with `obj`: primary actions first, what destroys it last."""
        edit = ObjectAction(_("Edit"), self.page_of(obj, "change"), "edit", is_primary=True)
        delete = ObjectAction(_("Delete…"), self.page_of(obj, "delete"), "delete", tone="bad")
        may_change, may_delete = self.has_change_permission(request), self.has_delete_permission(request)
        raw = [ObjectAction(_("JSON"), self.page_of(obj, "raw"), "data_object")] if self.has_json else []
        return [*([edit] if may_change else []), *raw, *([delete] if may_delete else [])]

    def state_of(self, obj: Any) -> SafeString:
        """A badge that says how `obj` is; empty for objects without a state."""
        return SafeString()

    def page_of(self, obj: Any, kind: str) -> str:
        """The address of a page about `obj`."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{kind}", args=[obj.pk])

    def head_of(self, request: HttpRequest, obj: Any) -> ObjectHead:
        """The head of the requested page, which is one of `obj`."""
        name = (request.resolver_match and request.resolver_match.url_name) or ""
        kind = name.rpartition("_")[2]
        current = self.tab_of_kind.get(kind, kind)
        list_page = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        filters: dict[str, Any] = {"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}
        return ObjectHead(
            title=str(obj),
            state=self.state_of(obj),
            tabs=[
                LinkedTab(tab, self.page_of(obj, tab.kind), is_current=tab.kind == current)
                for tab in self.tabs(request, obj)
            ],
            actions=self.actions_on(request, obj),
            list_title=capfirst(str(self.opts.verbose_name_plural)),
            list_page=add_preserved_filters(filters, list_page),
        )

    def object_context(self, request: HttpRequest, obj: Any, **further: Any) -> dict[str, Any]:
        """The context of a page about `obj`, with its head."""
        return super().object_context(request, obj, head=self.head_of(request, obj), **further)

    def get_urls(self) -> list[URLPattern]:
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        pages = [
            path(f"<path:object_id>/{kind}/", self.admin_site.admin_view(page), name=f"{prefix}_{kind}")
            for kind, page in (("view", self.readable_page), ("raw", self.raw_page))
            if kind != "raw" or self.has_json
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

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The question before a delete, below the head of the object if it exists."""
        obj = self.get_object(request, unquote(object_id)) if self.has_view_permission(request) else None
        known = {"head": self.head_of(request, obj)} if obj is not None else {}
        return super().delete_view(request, object_id, known | (extra_context or {}))

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
