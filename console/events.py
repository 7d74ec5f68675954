"""The page of information events: to be read, filtered and exported, and nothing else."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from access.pages import UnfoldAdmin
from console.templatetags.console import copy_button, local_time
from events import exports
from events.models import InformationEvent, Verb
from events.visibility import readable_types

_TONES: Final[Mapping[Verb, str]] = {Verb.ADDED: "good", Verb.UPDATED: "info", Verb.DELETED: "bad"}


class ObjectTypeFilter(admin.SimpleListFilter):
    """Only what the user may read is offered."""

    title = _("object type")
    parameter_name = "object_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The object types by their name on the wire."""
        return [(name, name) for name in sorted(readable_types(request.user))]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[InformationEvent]") -> "QuerySet[InformationEvent]":
        """The events of the chosen one."""
        return queryset.filter(object_type=self.value()) if self.value() else queryset


class EventAdmin(UnfoldAdmin):
    """Information events of the objects that the user may view, newest first."""

    is_live = True
    list_display = ("at", "what_happened", "message", "user", "of_type", "of_object")
    list_display_links = None
    list_filter: ClassVar = (
        ("time", admin.DateFieldListFilter),
        "verb",
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
    fields = ("time", "user", "user_name", "verb", "object_type", "object_id", "message")

    @admin.display(description=_("time"), ordering="number")
    def at(self, obj: InformationEvent) -> SafeString:
        """When it happened."""
        return local_time(obj.time)

    @admin.display(description=_("verb"), ordering="verb")
    def what_happened(self, obj: InformationEvent) -> SafeString:
        """What was done."""
        return format_html('<span class="ud-tone {}">{}</span>', _TONES[Verb(obj.verb)], obj.get_verb_display())

    @admin.display(description=_("object type"), ordering="object_type")
    def of_type(self, obj: InformationEvent) -> str:
        """What kind of object it was."""
        return obj.get_object_type_display()

    @admin.display(description=_("object id"), ordering="object_id")
    def of_object(self, obj: InformationEvent) -> SafeString:
        """The id of the object, to be copied; its beginning is enough to be told apart."""
        short = str(obj.object_id)[:8]
        copy = copy_button(obj.object_id, _("the object id"))
        return format_html('<code title="{}">{}… {}</code>', obj.object_id, short, copy)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[InformationEvent]":
        """Those that the user may read."""
        found: QuerySet[InformationEvent] = super().get_queryset(request)
        return found.filter(object_type__in=readable_types(request.user))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether there are any that the user may read."""
        return bool(readable_types(request.user))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever may view the list finds it in the menu."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Events record themselves."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What happened has happened."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What happened has happened."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """The pages, and one address for each kind of file."""
        files = [
            path(f"export/{kind}/", self.admin_site.admin_view(self.export), {"kind": kind}, f"events_export_{kind}")
            for kind in exports.FILES
        ]
        return [*files, *super().get_urls()]

    def export(self, request: HttpRequest, kind: str) -> StreamingHttpResponse:
        """The events of the list as it is filtered, oldest first, as a file.

        Raises:
            PermissionDenied: there are none that the user may read.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        events = self.get_changelist_instance(request).get_queryset(request)
        return exports.export(events, kind, request.user.get_username())
