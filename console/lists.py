"""What the lists of authored objects share: columns, searches and filters."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from django.contrib import admin
from django.db.models import Model, Q, QuerySet, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from access.policy import allows
from console import cells
from console.list_pages import ListPages, RowItem
from console.templatetags.console import time_ago
from foundation.ids import parse_uuid
from foundation.texts import is_storable

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


class ObjectList(ListPages):
    """The list of one kind of authored object."""

    row_page = "view"

    def further_items(self, request: HttpRequest) -> Sequence[RowItem]:
        return [*super().further_items(request), RowItem(_("Copy id"), copies="id")]

    @admin.display(description=_("created"), ordering="created_at")
    def at_created(self, obj: Any) -> SafeString:
        return time_ago(obj.created_at)

    @admin.display(description=_("modified"), ordering="last_modified")
    def at_modified(self, obj: Any) -> SafeString:
        return time_ago(obj.last_modified)

    @admin.display(description=_("APIs"), ordering="api_count")
    def apis(self, obj: Any) -> object:
        """How many APIs use it, with a link for users who may view them. The rows have `api_count` and `sees_apis`."""
        if not (obj.api_count and obj.sees_apis):
            return obj.api_count or cells.muted(0)
        address = f"{reverse('admin:definitions_apidefinition_changelist')}?{self.apis_filter}={obj.pk}"
        return cells.link(address, obj.api_count)


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

    def in_words(self) -> str:
        """What its chip says."""
        return self.value() or ""

    @property
    def shows_name(self) -> bool:
        """Whether the value is an id that stands for a name."""
        return self.in_words() != (self.value() or "")

    def has_output(self) -> bool:
        # Without lookups Django would not offer the filter.
        return True

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return search(queryset, self.value(), self.looks_at, self.id_at)


class NamedModel(NamedTuple):
    """Objects that a filter takes by id, and the column with the name that users know them by."""

    model: type[Model]
    column: str = "name"


class NamedFilter(TextFilter):
    """A filter that also takes the id of an object. Users who may view the object read its name."""

    of: ClassVar[NamedModel]

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        self._name = self._name_of(parse_uuid((self.value() or "").strip()), request)

    def in_words(self) -> str:
        return self._name or super().in_words()

    def _name_of(self, key: UUID | None, request: HttpRequest) -> str:
        if key is None or not allows(request.user, self.of.model._meta.label_lower, "view"):
            return ""
        found = self.of.model._base_manager.filter(pk=key).values_list(self.of.column, flat=True)
        return str(found.first() or "")


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

    def in_words(self) -> str:
        """What its chip says."""
        option = self.options.get(self.value() or "")
        return capfirst(str(option[0])) if option else self.value() or ""

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
