"""The lists of authored objects: searched while the user types, filtered, sorted by every column."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Q, QuerySet, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldBooleanWidget

from access.pages import PolicyAdmin
from console import cells
from console.templatetags.console import local_time
from foundation.ids import parse_uuid
from foundation.texts import is_storable

PER_PAGE = 50
AUTHORSHIP_COLUMNS = ("created_by", "at_created", "last_modified_by", "at_modified")


def column(
    field: str, description: Any, show: Callable[[Any], object], ordering: str = "", *, boolean: bool = False
) -> Callable[[Any, Any], object]:
    """A column that shows the value of one field. A field that needs no `show` is a column by its name alone."""

    @admin.display(description=description, ordering=ordering or field, boolean=boolean)
    def cell(pages: Any, obj: Any) -> object:
        return show(getattr(obj, field))

    return cell


def with_rights(rows: "QuerySet[Any]", **rights: bool) -> "QuerySet[Any]":
    """Rows that know what the user may do, for cells that depend on it."""
    # Django gives a cell the row alone, not the request.
    told: QuerySet[Any] = rows.annotate(**{name: Value(right) for name, right in rights.items()})
    return told


class NamedRows(PolicyAdmin):
    """A list whose objects are told apart by a name."""

    confidential: ClassVar[tuple[str, ...]] = ()
    """The beginnings of fields that no filter in the address may reveal."""
    apis_filter: ClassVar[str] = ""
    """The filter of definitions that finds those that use an object, if definitions use such objects."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return not lookup.startswith(self.confidential) and super().lookup_allowed(lookup, value, request)

    @admin.display(description="")
    def action_checkbox(self, obj: Any) -> SafeString:
        """The box that selects a row; its label is visible where the rows are cards."""
        name = self.name_of(obj)
        box = UnfoldBooleanWidget({"class": "action-select", "aria-label": name}, lambda value: False)
        shown = box.render(ACTION_CHECKBOX_NAME, str(obj.pk))
        return format_html('{}<span class="ud-select-name" data-name="{}"></span>', shown, name)

    def name_of(self, obj: Any) -> str:
        """What tells `obj` from others."""
        return str(obj)

    def object_context(self, request: HttpRequest, obj: Any, **further: Any) -> dict[str, Any]:
        """The context of a page about `obj`."""
        known = {"opts": self.opts, "original": obj, "subtitle": str(obj), "media": self.media}
        return self.admin_site.each_context(request) | known | further


class ObjectList(NamedRows):
    """The list of one kind of authored object."""

    change_list_template = "console/objects/list.html"
    list_per_page = PER_PAGE
    list_max_show_all = PER_PAGE
    list_fullwidth = True
    list_before_template = None
    list_display_links: Any = None
    actions_selection_counter = False
    search_hint: ClassVar[Any]
    empty_title: ClassVar[Any]
    empty_text: ClassVar[Any]
    empty_icon: ClassVar[str]

    @admin.display(description=_("created"), ordering="created_at")
    def at_created(self, obj: Any) -> SafeString:
        return _time_and_author(obj.created_at, obj.created_by)

    @admin.display(description=_("modified"), ordering="last_modified")
    def at_modified(self, obj: Any) -> SafeString:
        return _time_and_author(obj.last_modified, obj.last_modified_by)

    @admin.display(description=_("APIs"), ordering="api_count")
    def apis(self, obj: Any) -> object:
        """How many APIs use it, with a link for users who may view them. The rows have `api_count` and `sees_apis`."""
        if not (obj.api_count and obj.sees_apis):
            return obj.api_count or cells.muted(0)
        address = f"{reverse('admin:definitions_apidefinition_changelist')}?{self.apis_filter}={obj.pk}"
        return cells.link(address, obj.api_count)


def _time_and_author(moment: datetime, user: str) -> SafeString:
    """The author is visible where there is no room for a column of authors."""
    return format_html('{}<span class="ud-second ud-by">{}</span>', local_time(moment), user)


def search(rows: "QuerySet[Any]", text: str | None, columns: Iterable[str], id_at: str = "") -> "QuerySet[Any]":
    """The rows with `text` in one of `columns`, or with the id that it spells in `id_at`; all rows without a text."""
    text = (text or "").strip()
    if not text:
        return rows
    if not is_storable(text):
        return rows.none()
    # Matches nothing, so that an empty list of columns finds nothing.
    found = Q(pk__in=())
    if id_at and (wanted_id := parse_uuid(text)):
        found |= Q(**{id_at: wanted_id})
    for name in columns:
        found |= Q(**{f"{name}__icontains": text})
    return rows.filter(found)


class TextFilter(admin.SimpleListFilter):
    """A filter that users type: a part of a text, or an id."""

    kind = "text"
    looks_at: tuple[str, ...] = ()
    id_at: ClassVar[str] = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []

    def has_output(self) -> bool:
        # Without lookups Django would not offer the filter.
        return True

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return search(queryset, self.value(), self.looks_at, self.id_at)


class AuthorFilter(TextFilter):
    """Users who created an object or changed it last."""

    title = _("author")
    parameter_name = "author"
    looks_at = ("created_by", "last_modified_by")


class ChoiceFilter(admin.SimpleListFilter):
    """A filter whose values users choose from a list."""

    kind = "choice"
    options: ClassVar[Mapping[str, tuple[Any, Any]]]
    """By value in the address: its label, and what a row must be."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(value, label) for value, (label, _condition) in self.options.items()]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        option = self.options.get(self.value() or "")
        return queryset.filter(self.condition(option[1])) if option else queryset

    def condition(self, option: Any) -> Any:
        """What a row must be."""
        return option


def choice_filter(parameter: str, title: Any, options: Mapping[str, tuple[Any, Q]]) -> type[ChoiceFilter]:
    return type("ChoiceFilter", (ChoiceFilter,), {"parameter_name": parameter, "title": title, "options": options})


class CreatedFilter(ChoiceFilter):
    """Objects that were created in a span of time that ends now."""

    title = _("created")
    parameter_name = "created"
    column = "created_at"
    options: ClassVar = {
        "hour": (_("the last hour"), timedelta(hours=1)),
        "day": (_("the last 24 hours"), timedelta(days=1)),
        "week": (_("the last 7 days"), timedelta(days=7)),
        "month": (_("the last 30 days"), timedelta(days=30)),
    }

    def condition(self, option: timedelta) -> Q:
        return Q(**{f"{self.column}__gte": timezone.now() - option})


class ModifiedFilter(CreatedFilter):
    """Objects that were changed in a span of time that ends now."""

    title = _("modified")
    parameter_name = "modified"
    column = "last_modified"


AUTHORSHIP_FILTERS = (AuthorFilter, CreatedFilter, ModifiedFilter)
STATE_FILTER = choice_filter(
    "state",
    _("state"),
    {"enabled": (_("enabled"), Q(is_disabled=False)), "disabled": (_("disabled"), Q(is_disabled=True))},
)
