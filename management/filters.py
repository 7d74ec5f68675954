"""Filters, order and search of a list, each named as the property."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from foundation.texts import is_storable
from management.fields import as_id
from management.pagination import PAGE_PARAMETERS
from management.query_string import invalid, only

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class ValueKind:
    """A kind of values: how one is read (None where it cannot be one), and how OpenAPI calls it."""

    read: Callable[[str], Any]
    schema: dict[str, Any]


def _flag(value: str) -> bool | None:
    return {"true": True, "false": False}.get(value)


def _moment(value: str) -> datetime | None:
    try:
        found = parse_datetime(value)
        # Every offset must be one that UTC can be reckoned from.
        return found and (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def one_of(*known: str) -> ValueKind:
    """One of `known`."""
    return ValueKind(lambda value: value if value in known else None, {"type": "string", "enum": list(known)})


TEXT = ValueKind(str, {"type": "string"})
ID = ValueKind(as_id, {"type": "string", "format": "uuid"})
FLAG = ValueKind(_flag, {"type": "boolean"})
MOMENT = ValueKind(_moment, {"type": "string", "format": "date-time"})

AUTHORSHIP: Mapping[str, tuple[str, ValueKind]] = {
    "id": ("pk", ID),
    "createdBy": ("created_by", TEXT),
    "lastModifiedBy": ("last_modified_by", TEXT),
    "createdAfter": ("created_at__gt", MOMENT),
    "createdBefore": ("created_at__lt", MOMENT),
    "lastModifiedAfter": ("last_modified__gt", MOMENT),
    "lastModifiedBefore": ("last_modified__lt", MOMENT),
}
AUTHORSHIP_ORDER: Mapping[str, str] = {
    "id": "pk",
    "createdBy": "created_by",
    "createdAt": "created_at",
    "lastModifiedBy": "last_modified_by",
    "lastModified": "last_modified",
}
PAGES = ("limit", "offset", "ordering")
_SEARCH = "A part of {}, or an id."
ORDERING = "One or more properties, separated by commas; `-` for descending."


def order_schema(names: Iterable[str]) -> dict[str, Any]:
    """How OpenAPI calls an order by any of `names`."""
    name = f"-?({'|'.join(names)})"
    return {"type": "string", "pattern": f"^{name}(,{name})*$"}


@dataclass(frozen=True)
class Filters:
    """The parameters that a list takes, by name: what they look at, and how their value is read."""

    own: Mapping[str, tuple[str, ValueKind]]
    order: Mapping[str, str]
    searched: tuple[str, ...]
    default: str
    known: Mapping[str, tuple[str, ValueKind]] = field(init=False)
    columns: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", {**AUTHORSHIP, **self.own})
        object.__setattr__(self, "columns", {**AUTHORSHIP_ORDER, **self.order})

    def check(self, request: Request, *, with_pages: bool) -> None:
        """Refuse what no filter of this list is.

        Raises:
            ValidationError: `InvalidField`.
        """
        only(request, {*self.known, "search", *(PAGES if with_pages else ())})

    def parameters(self, *, with_pages: bool) -> list[OpenApiParameter]:
        """How the query string is described in the OpenAPI document."""
        found = [OpenApiParameter(name, kind.schema) for name, (_, kind) in self.known.items()]
        found.append(OpenApiParameter("search", TEXT.schema, description=_SEARCH.format(self._searched_names())))
        if with_pages:
            found += [OpenApiParameter("ordering", order_schema(self.columns), description=ORDERING), *PAGE_PARAMETERS]
        return found

    def order_of(self, rows: "QuerySet[Row]", request: Request) -> "QuerySet[Row]":
        """The rows in the order that is asked for, which is always a certain one.

        Raises:
            ValidationError: `InvalidField`, the list cannot be ordered by this.
        """
        order = request.query_params.get("ordering", self.default)
        return rows.order_by(*map(self._column, order.split(",")), "pk")

    def values(self, request: Request) -> dict[str, Any]:
        """The filters that are asked for, by name.

        Raises:
            ValidationError: `InvalidField`, a value cannot be read.
        """
        wanted: dict[str, Any] = {}
        for name, (_, kind) in self.known.items():
            value = request.query_params.get(name)
            if value is None:
                continue
            wanted[name] = kind.read(value)
            if wanted[name] is None:
                invalid(name, "The value cannot be one of this property.")
        return wanted

    def narrow(self, rows: "QuerySet[Row]", wanted: Mapping[str, Any]) -> "QuerySet[Row]":
        """The rows that these filters let through, in no certain order."""
        for name, value in wanted.items():
            rows = rows.filter(**{self.known[name][0]: value})
        return rows

    def search(self, rows: "QuerySet[Row]", term: str) -> "QuerySet[Row]":
        """The rows in which the database finds `term`."""
        return rows.filter(self._search(term)) if term else rows

    def _search(self, term: str) -> Q:
        found = Q(pk=as_id(term)) if as_id(term) else Q()
        for column in self.searched:
            found |= Q(**{f"{column}__icontains": term})
        return found

    def _searched_names(self) -> str:
        return ", ".join(column.partition("__")[0] for column in self.searched)

    def _column(self, name: str) -> str:
        sign = "-" if name.startswith("-") else ""
        column = self.columns.get(name.removeprefix("-"))
        if column is None or not is_storable(name):
            invalid("ordering", "The list cannot be ordered by this.")
        return sign + column
