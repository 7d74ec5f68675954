"""What the template of a list shows: headings, rows, orders, and the filters that are set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.admin.utils import display_for_field, label_for_field, lookup_field
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from console import cells
from console.list_rows import SEPARATOR

_CHECKBOX: Final = "action_checkbox"
_FILTERS: Final = "_changelist_filters"


@dataclass(frozen=True)
class Heading:
    """A column; `order` is the address that sorts by it, `direction` how it is sorted now."""

    name: str
    title: str
    look: str
    order: str = ""
    direction: str = ""


@dataclass(frozen=True)
class ListCell:
    """A value of a row."""

    heading: Heading
    value: Any


@dataclass(frozen=True)
class ListRow:
    """An object: `page` is where its name leads to."""

    key: str
    box: Any
    state: Any
    head: Any
    page: str
    buttons: Any
    data: dict[str, str]
    cells: Sequence[ListCell]


@dataclass(frozen=True)
class FilterChip:
    """A filter that is set; `url` is the list without it."""

    label: str
    text: str
    url: str


class ListTable:
    """One page of a list."""

    def __init__(self, request: HttpRequest, rows: Any) -> None:
        self._request, self._rows, self._pages = request, rows, rows.model_admin
        self.names = [name for name in rows.list_display if name != _CHECKBOX]
        self.has_boxes = _CHECKBOX in rows.list_display
        self.headings = [self._heading(name) for name in self.names]
        self.menu = self._pages.row_menu(request)

    @property
    def rows(self) -> Iterator[ListRow]:
        for obj in self._rows.result_list:
            yield self._row(obj)

    @property
    def orders(self) -> list[tuple[str, str, bool]]:
        """The orders of the list: value in the address, label, and whether it is the current one."""
        now = SEPARATOR.join(self._rows.order)
        columns = [name for name in self._pages.available_columns(self._request) if self._is_sorted_by(name)]
        words = {name: self._title(name) for name in columns}
        choices = words | {f"-{name}": _("%s, descending") % text for name, text in words.items()}
        if now and now not in choices:
            choices[now] = _("several columns")
        return [(value, text, value == now) for value, text in choices.items()]

    @property
    def columns(self) -> list[tuple[str, str, bool]]:
        """The columns to choose from: name, title, and whether it is shown. The first one always is."""
        names = self._pages.available_columns(self._request)[1:]
        return [(name, self._title(name), name in self.names) for name in names]

    @property
    def chips(self) -> list[FilterChip]:
        return [chip for spec in self._rows.filter_specs if (chip := self._chip(spec))]

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """What the address has besides what the form of the list has fields for."""
        fields = {SEARCH_VAR, ORDER_VAR, PAGE_VAR}
        fields |= {spec.parameter_name for spec in self._rows.filter_specs if hasattr(spec, "kind")}
        return [(name, text) for name, texts in self._request.GET.lists() if name not in fields for text in texts]

    def _heading(self, name: str) -> Heading:
        title, look = self._title(name), f"column-{name} {self._look(name)}"
        if not self._is_sorted_by(name):
            return Heading(name, title, look)
        order = self._rows.order
        direction = "descending" if f"-{name}" in order else "ascending" if name in order else ""
        wanted = f"-{name}" if direction == "ascending" else name
        return Heading(name, title, look, self._rows.get_query_string({ORDER_VAR: wanted}), direction)

    def _look(self, name: str) -> str:
        """Where there is room for a column: on a tablet, and in the second line of a phone."""
        tablets = [each for each in self.names if each in self._pages.on_tablets] or self.names[1:4]
        phones = [each for each in self.names if each in self._pages.on_phones] or self.names[1:3]
        looks = [("is-on-tablets", tablets), ("is-on-phones", phones), ("is-last-on-phones", phones[1:2])]
        return " ".join(look for look, names in looks if name in names)

    def _title(self, name: str) -> str:
        return capfirst(str(label_for_field(name, self._rows.model, self._pages)))

    def _is_sorted_by(self, name: str) -> bool:
        return bool(self._rows.get_ordering_field(name))

    def _row(self, obj: Any) -> ListRow:
        name = f"{self._pages.opts.app_label}_{self._pages.opts.model_name}_{self._pages.row_page}"
        query = self._request.GET.urlencode()
        own_page = reverse(f"admin:{name}", args=[obj.pk]) + (f"?{urlencode({_FILTERS: query})}" if query else "")
        head, *others = [ListCell(heading, self._value(obj, heading.name)) for heading in self.headings]
        return ListRow(
            key=str(obj.pk),
            box=self._pages.action_checkbox(obj) if self.has_boxes else "",
            state=self._pages.row_state(obj),
            head=head.value,
            page=self._pages.row_target(obj) or own_page,
            buttons=self._pages.row_buttons(obj),
            data=self._pages.row_data(obj) if self.menu else {},
            cells=others,
        )

    def _value(self, obj: Any, name: str) -> Any:
        try:
            field, shown, value = lookup_field(name, obj, self._pages)
        except ObjectDoesNotExist:
            return ""
        if isinstance(value, bool):
            return cells.yes_or_no(value)
        if field is None or getattr(shown, "boolean", False):
            return value
        return value if field.remote_field else display_for_field(value, field, cells.muted("-"))

    def _chip(self, spec: Any) -> FilterChip | None:
        if not hasattr(spec, "kind"):
            return _chip_of_choices(spec, self._rows)
        if not spec.value():
            return None
        return FilterChip(capfirst(str(spec.title)), spec.in_words(), without(self._request.GET, spec.parameter_name))


def _chip_of_choices(spec: Any, rows: Any) -> FilterChip | None:
    """The chip of a filter of Django's own, whose first choice is all rows."""
    everything, *choices = spec.choices(rows)
    chosen = next((choice for choice in choices if choice["selected"]), None)
    return chosen and FilterChip(capfirst(str(spec.title)), str(chosen["display"]), everything["query_string"])


def without(query: QueryDict, *names: str) -> str:
    """The address of the first page of a list without the parameters `names`."""
    kept = query.copy()
    for name in (*names, PAGE_VAR):
        kept.pop(name, None)
    return f"?{kept.urlencode()}"
