"""The lists of authored objects: searched while one types, filtered, sorted by every column."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from access.pages import PolicyAdmin
from console.templatetags.console import local_time
from foundation.texts import is_storable

PER_PAGE = 50


class ObjectList(PolicyAdmin):
    """The list of one kind of object."""

    change_list_template = "console/objects/list.html"
    list_per_page = PER_PAGE
    list_max_show_all = PER_PAGE
    list_fullwidth = True
    list_before_template = None
    actions_selection_counter = False
    search_hint: ClassVar[Any] = _("Search")
    empty_title: ClassVar[Any] = _("Nothing here yet")
    empty_text: ClassVar[Any] = ""
    empty_icon: ClassVar[str] = "inbox"

    @admin.display(description=_("created by"), ordering="created_by")
    def by_created(self, obj: Any) -> str:
        """Who made it."""
        return str(obj.created_by)

    @admin.display(description=_("created"), ordering="created_at")
    def at_created(self, obj: Any) -> SafeString:
        """When it was made."""
        return _time_and_author(obj.created_at, obj.created_by)

    @admin.display(description=_("modified by"), ordering="last_modified_by")
    def by_modified(self, obj: Any) -> str:
        """Who changed it last."""
        return str(obj.last_modified_by)

    @admin.display(description=_("modified"), ordering="last_modified")
    def at_modified(self, obj: Any) -> SafeString:
        """When it was changed last."""
        return _time_and_author(obj.last_modified, obj.last_modified_by)


def _time_and_author(moment: datetime, user: str) -> SafeString:
    """The author shows where there is no room for a column of authors."""
    return format_html('{}<span class="ud-second ud-by">{}</span>', local_time(moment), user)


AUTHORSHIP_COLUMNS = ("by_created", "at_created", "by_modified", "at_modified")


class TextFilter(admin.SimpleListFilter):
    """A filter that one types: a part of a text, or an id."""

    kind = "text"
    looks_at: Sequence[str] = ()
    """The columns that may have the text; without any, only an id finds something."""
    id_at: ClassVar[str] = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """None: whatever is typed counts."""
        return []

    def has_output(self) -> bool:
        """Always offered."""
        return True

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """The rows that have the text, or belong to the object of that id."""
        text = (self.value() or "").strip()
        if not text:
            return queryset
        if not is_storable(text):
            return queryset.none()
        return queryset.filter(self._wanted(text)).distinct() if self.id_at else queryset.filter(self._wanted(text))

    def _wanted(self, text: str) -> Q:
        wanted_id = _as_id(text) if self.id_at else None
        if wanted_id is not None:
            return Q(**{self.id_at: wanted_id})
        found = Q(pk__in=())
        for column in self.looks_at:
            found |= Q(**{f"{column}__icontains": text})
        return found


class AuthorFilter(TextFilter):
    """Who made it or changed it last."""

    title = _("author")
    parameter_name = "author"
    looks_at = ("created_by", "last_modified_by")


class ChoiceFilter(ABC, admin.SimpleListFilter):
    """A filter that one chooses from a list."""

    kind = "choice"

    @abstractmethod
    def wanted(self, value: str) -> Q | None:
        """What a row must be for the chosen value; None for no filter."""

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """The rows of the chosen value."""
        value = self.value()
        wanted = self.wanted(value) if value in dict(self.lookup_choices) else None
        return queryset if wanted is None else queryset.filter(wanted)


_SPANS = {
    "hour": (_("the last hour"), timedelta(hours=1)),
    "day": (_("the last 24 hours"), timedelta(days=1)),
    "week": (_("the last 7 days"), timedelta(days=7)),
    "month": (_("the last 30 days"), timedelta(days=30)),
}


class _TimeFilter(ChoiceFilter):
    column: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Spans of time that end now."""
        return [(name, text) for name, (text, _span) in _SPANS.items()]

    def wanted(self, value: str) -> Q | None:
        """Not before the span began."""
        return Q(**{f"{self.column}__gte": timezone.now() - _SPANS[value][1]})


class CreatedFilter(_TimeFilter):
    """When it was made."""

    title = _("created")
    parameter_name = "created"
    column = "created_at"


class ModifiedFilter(_TimeFilter):
    """When it was changed last."""

    title = _("modified")
    parameter_name = "modified"
    column = "last_modified"


AUTHORSHIP_FILTERS = (AuthorFilter, CreatedFilter, ModifiedFilter)


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
