"""What a list shows: the mirror, if there is one, finds what matches `?search=`; the database has the last word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet

from access.policy import AnyUser
from objects.filters import Filters
from search.query import DATABASE, Ranked, SearchResult, highlight, matching_ids

SOURCE_HEADER: Final = "X-Search-Source"


@dataclass(frozen=True)
class ListQuery:
    """The query string of a list, and who asks; `kind` is the mirror's name for the objects, "" if it has none."""

    filters: Filters
    query: Mapping[str, str]
    user: AnyUser
    kind: str

    @property
    def term(self) -> str:
        return self.query.get("search", "")

    def find(self, rows: "QuerySet[Any]") -> "Found":
        """The rows asked for: by relevance if the mirror found them and no other order is asked for.

        Raises:
            ValidationError: `InvalidField`, a value cannot be read.
        """
        values = self.filters.values(self.query)
        narrowed = self.filters.narrow(self.filters.ordered(rows, self.query.get("ordering")), values)
        result = matching_ids(self.kind, self.term, self.user, narrowed=values) if self.kind else SearchResult()
        if not result.is_from_mirror:
            return Found(self, self.filters.search(narrowed, self.term), DATABASE if self.term else "")
        if "ordering" in self.query:
            return Found(self, narrowed.filter(pk__in=result.ids), result.source)
        return Found(self, Ranked(narrowed, result.ids), result.source)


@dataclass(frozen=True)
class Found:
    """The rows in the order in which the list shows them, and who searched: the mirror, the database or nobody."""

    asked: ListQuery
    rows: "QuerySet[Any] | Sequence[Any]"
    source: str

    @property
    def headers(self) -> dict[str, str]:
        return {SOURCE_HEADER: self.source} if self.source else {}

    def count(self) -> int:
        return self.rows.count() if isinstance(self.rows, QuerySet) else len(self.rows)

    def highlights(self, page: Sequence[Any]) -> dict[str, Any]:
        """Why the objects of a page match, if the mirror found them."""
        if self.source in ("", DATABASE):
            return {}
        ids = [str(each.pk) for each in page]
        return {"highlights": highlight(self.asked.kind, self.asked.term, self.asked.user, ids)}
