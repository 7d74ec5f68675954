"""`?search=` of a list: the mirror finds, the database has the last word; without a mirror it finds as well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from management.filters import Filters
from search.query import DATABASE, Ranked, SearchResult, highlight, matching_ids

SOURCE_HEADER = "X-Search-Source"


@dataclass(frozen=True)
class Found:
    """What a list has to show: the rows in no certain order, and in the one to list them in."""

    rows: "QuerySet[Any]"
    listed: "QuerySet[Any] | Sequence[Any]"
    request: Request
    kind: str
    source: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """Who has searched, where somebody has."""
        return {SOURCE_HEADER: self.source} if self.source else {}

    def highlights(self, ids: Sequence[str]) -> dict[str, Any]:
        """Why the objects of a page match, where the mirror has found them."""
        if self.source in ("", DATABASE):
            return {}
        return {"highlights": highlight(self.kind, _term(self.request), self.request.user, ids)}


def search(filters: Filters, rows: "QuerySet[Any]", request: Request, kind: str) -> Found:
    """The rows that are asked for: by relevance where the mirror has found them and no other order is wanted.

    Raises:
        ValidationError: `InvalidField`, a value cannot be read.
    """
    wanted = filters.values(request)
    ordered = filters.order_of(rows, request)
    result = _matching(kind, request, wanted)
    if result.is_from_mirror:
        rows = filters.narrow(rows, wanted).filter(pk__in=result.ids)
        listed = filters.narrow(ordered, wanted).filter(pk__in=result.ids) if _is_ordered(request) else None
        return Found(rows, Ranked(rows, result.ids) if listed is None else listed, request, kind, result.source)
    rows, listed = (filters.search(filters.narrow(each, wanted), _term(request)) for each in (rows, ordered))
    return Found(rows, listed, request, kind, DATABASE if _term(request) else "")


def _matching(kind: str, request: Request, wanted: Mapping[str, Any]) -> SearchResult:
    if not (kind and _term(request)):
        return SearchResult()
    return matching_ids(kind, _term(request), request.user, narrowed=wanted)


def _is_ordered(request: Request) -> bool:
    return "ordering" in request.query_params


def _term(request: Request) -> str:
    return request.query_params.get("search", "")
