"""The filters, orders and searches that lists of objects take, each named as the property in JSON."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from objects.serializers import AuthoredSerializer, Id, Moment, Text, TypedField, as_id, invalid_field

Row = TypeVar("Row", bound=Model)
Condition = Callable[[Any], Q]
Column = tuple[str | Condition, TypedField]
"""What a filter compares, as Django writes it, or the condition that its value makes, and the field that reads its
value from a query string.
"""

_AUTHORSHIP: Mapping[str, Column] = {
    "id": ("pk", Id()),
    "createdBy": ("created_by", Text()),
    "lastModifiedBy": ("last_modified_by", Text()),
    "createdAfter": ("created_at__gt", Moment()),
    "createdBefore": ("created_at__lt", Moment()),
    "lastModifiedAfter": ("last_modified__gt", Moment()),
    "lastModifiedBefore": ("last_modified__lt", Moment()),
}


class Filters:
    """What a list can be filtered by, ordered by and searched in.

    `exact` names properties that are compared as a whole; a list can be ordered by them, too. `columns` and `order` add
    filters and orders of their own. `default` is the order of a list.
    """

    def __init__(
        self,
        serializer: type[AuthoredSerializer],
        *,
        exact: Iterable[str],
        searched: tuple[str, ...],
        default: str,
        columns: Mapping[str, Column] | None = None,
        order: Mapping[str, str] | None = None,
    ) -> None:
        fields: Mapping[str, Any] = serializer().fields
        own = {name: (fields[name].source, fields[name]) for name in exact}
        self.by_name = {**_AUTHORSHIP, **own, **(columns or {})}
        self.order = {name: fields[name].source for name in (*AuthoredSerializer().fields, *exact)} | dict(order or {})
        self.searched = searched
        self._default = default

    def values(self, query: Mapping[str, str]) -> dict[str, Any]:
        """The filters in `query`, by name.

        Raises:
            ValidationError: `InvalidField`, a value cannot be read.
        """
        found = {name: self.by_name[name][1].parse(query[name]) for name in self.by_name if name in query}
        for name, value in found.items():
            if value is None:
                raise invalid_field(name, "The property cannot have this value.")
        return found

    def narrow(self, rows: "QuerySet[Row]", values: Mapping[str, Any]) -> "QuerySet[Row]":
        """The rows that pass these filters."""
        return rows.filter(*(_condition(self.by_name[name][0], value) for name, value in values.items()))

    def ordered(self, rows: "QuerySet[Row]", names: str | None) -> "QuerySet[Row]":
        """The rows ordered as `order_columns` says, or by default; at last by id."""
        return rows.order_by(*order_columns(self._default if names is None else names, self.order), "pk")

    def search(self, rows: "QuerySet[Row]", term: str) -> "QuerySet[Row]":
        """The rows that contain `term`, or have it as their id."""
        if not term:
            return rows
        found = [(f"{column}__icontains", term) for column in self.searched]
        return rows.filter(Q(*found, *([("pk", as_id(term))] if as_id(term) else []), _connector=Q.OR))


def _condition(compared: str | Condition, value: object) -> Q:
    return Q((compared, value)) if isinstance(compared, str) else compared(value)


def order_columns(names: str, columns: Mapping[str, str]) -> list[str]:
    """What `order_by` takes for `names`, which are separated by commas; `-` is for descending.

    Raises:
        ValidationError: `InvalidField`, the list cannot be ordered by one of them.
    """
    wanted = names.split(",")
    if any(name.removeprefix("-") not in columns for name in wanted):
        raise invalid_field("ordering", "The list cannot be ordered by this.")
    return ["-" * name.startswith("-") + columns[name.removeprefix("-")] for name in wanted]
