"""The page of information events, which can only be viewed, filtered and exported."""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy, ngettext

from access.policy import Action, AnyUser
from console.event_filters import FILTERS
from console.event_words import EventWords, words_for
from console.list_pages import ListPages, RowItem
from console.lists import column
from console.templatetags.console import time_ago
from events import exports
from events.models import InformationEvent, Verb
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


def verb_badge(event: InformationEvent) -> SafeString:
    """What happened, in a word."""
    return format_html('<span class="ud-tone {}">{}</span>', _TONES[Verb(event.verb)], event.get_verb_display())


class EventAdmin(ListPages):
    """Information events of the objects that the user may view, newest first."""

    offers: ClassVar[frozenset[Action]] = frozenset({"view"})
    is_live = True
    list_display = ("of_object", "what_happened", "what_changed", "user", "at", "object_type")
    usual_columns = list_display
    on_tablets = ("what_happened", "what_changed", "user", "at")
    on_phones = ("what_happened", "at")
    list_filter = FILTERS
    change_list_template = "console/event_list.html"
    search_fields = ("user", "user_name", "=object_id", "message")
    search_hint = gettext_lazy("Search by user, object id or text")
    empty_icon = "history_toggle_off"
    empty_title = gettext_lazy("No events yet")
    empty_text = gettext_lazy("Every change of an API, a token, a script or a credential leaves an event.")
    ordering = ("-number",)
    actions = None
    list_before_template = "console/event_exports.html"
    fields = ("time", "user", "user_name", "what_happened", "object_type", "object_id", "message")
    words: EventWords | None = None
    """The words for the events of this request; set on the copy of the pages that serves it."""

    at = column("time", gettext_lazy("time"), time_ago, ordering="number")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        # All threads share these pages. The copy keeps what belongs to one request.
        pages = copy(self)
        response = super(EventAdmin, pages).changelist_view(request, extra_context)
        found = getattr(response, "context_data", {}).get("cl")
        if found is not None:
            pages.words = words_for(list(found.result_list), request.user)
        return response

    @admin.display(description=gettext_lazy("action"), ordering="verb")
    def what_happened(self, obj: InformationEvent) -> SafeString:
        return verb_badge(obj)

    @admin.display(description=gettext_lazy("object"), ordering="object_id")
    def of_object(self, obj: InformationEvent) -> SafeString:
        """The object, as it is called now or was called then. The row leads to it."""
        return self.words.subject(obj) if self.words else format_html("{}", obj.object_id)

    @admin.display(description=gettext_lazy("what changed"))
    def what_changed(self, obj: InformationEvent) -> SafeString:
        return self.words.what(obj) if self.words else SafeString()

    def row_target(self, obj: InformationEvent) -> str:
        """The page of the object; what is deleted has none, and the row leads to the event itself."""
        return self.words.page(obj) if self.words else ""

    def noun(self, count: int) -> str:
        return ngettext("event", "events", count)

    def row_menu(self, request: HttpRequest) -> Sequence[RowItem]:
        return ()

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
            BadRequest: the address asks for nonsense.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            events = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters as error:
            raise BadRequest from error
        return exports.export(events, kind, request.user.get_username())
