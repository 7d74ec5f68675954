"""The page of information events, which can only be viewed, filtered and exported."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from access.pages import PolicyAdmin
from access.policy import Action, AnyUser
from console.lists import choice_filter, column
from console.templatetags.console import copy_button, local_time
from events import exports
from events.models import InformationEvent, ObjectType, Verb
from events.visibility import readable_types

_TONES: Final[Mapping[Verb, str]] = {
    Verb.ADDED: "good",
    Verb.UPDATED: "info",
    Verb.DELETED: "bad",
    Verb.READ: "info",
    Verb.FAILING: "bad",
    Verb.RECOVERED: "good",
    Verb.SAID: "info",
}


class ObjectTypeFilter(admin.SimpleListFilter):
    """Offers only the types whose events the user may view."""

    title = _("object type")
    parameter_name = "object_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, ObjectType(name).label) for name in sorted(readable_types(request.user))]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[InformationEvent]") -> "QuerySet[InformationEvent]":
        return queryset.filter(object_type=self.value()) if self.value() else queryset


class EventAdmin(PolicyAdmin):
    """Information events of the objects that the user may view, newest first."""

    offers: ClassVar[frozenset[Action]] = frozenset({"view"})
    is_live = True
    list_display = ("at", "what_happened", "message", "user", "object_type", "of_object")
    list_display_links = None
    list_filter: ClassVar = (
        ("time", admin.DateFieldListFilter),
        choice_filter("verb", _("action"), {verb.value: (verb.label, Q(verb=verb)) for verb in Verb}),
        ObjectTypeFilter,
        ("user", admin.AllValuesFieldListFilter),
    )
    list_fullwidth = True
    list_filter_sheet = False
    list_per_page = 100
    search_fields = ("user", "user_name", "=object_id", "message")
    search_help_text = _("User, object id or a part of the message")
    ordering = ("-number",)
    actions = None
    list_before_template = "console/event_exports.html"
    fields = ("time", "user", "user_name", "what_happened", "object_type", "object_id", "message")

    at = column("time", _("time"), local_time, ordering="number")

    @admin.display(description=_("action"), ordering="verb")
    def what_happened(self, obj: InformationEvent) -> SafeString:
        return format_html('<span class="ud-tone {}">{}</span>', _TONES[Verb(obj.verb)], obj.get_verb_display())

    @admin.display(description=_("object id"), ordering="object_id")
    def of_object(self, obj: InformationEvent) -> SafeString:
        """The id with a button that copies it. Its beginning is enough to tell objects apart."""
        short = str(obj.object_id)[:8]
        copy = copy_button(obj.object_id, _("the object id"))
        return format_html('<code title="{}">{}… {}</code>', obj.object_id, short, copy)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[InformationEvent]":
        return super().get_queryset(request).filter(object_type__in=readable_types(request.user))

    def permits(self, user: AnyUser, action: Action) -> bool:
        return bool(readable_types(user))

    def get_urls(self) -> list[URLPattern]:
        files = [
            path(f"export/{kind}/", self.admin_site.admin_view(self.export), {"kind": kind}, f"events_export_{kind}")
            for kind in exports.FILES
        ]
        return [*files, *super().get_urls()]

    def export(self, request: HttpRequest, kind: str) -> StreamingHttpResponse:
        """The events of the filtered list as a file, oldest first.

        Raises:
            PermissionDenied: the user may view no events.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        events = self.get_changelist_instance(request).get_queryset(request)
        return exports.export(events, kind, request.user.get_username())
