"""Searching: the ids of the objects that match a text, found by the mirror, or left to the database to find."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final, cast

from django.conf import settings
from django.db.models import Case, IntegerField, QuerySet, Value, When

from access.policy import AnyUser

MOST = 10_000
"""How many objects a search finds at most, the most relevant ones."""

ELASTICSEARCH: Final = "elasticsearch"
DATABASE: Final = "database"

Highlights = Mapping[str, Mapping[str, Sequence[str]]]
"""By id and property: HTML with the matches in `<em>`; everything else is escaped."""


@dataclass(frozen=True)
class SearchResult:
    """The ids found, most relevant first, and why some of them match."""

    ids: Sequence[str] = ()
    highlights: Highlights = field(default_factory=dict)
    source: str = DATABASE

    @property
    def is_from_mirror(self) -> bool:
        """Whether `ids` is the result; otherwise the database must search."""
        return self.source == ELASTICSEARCH


def matching_ids(
    kind: str, text: str, user: AnyUser, limit: int = MOST, narrowed: Mapping[str, Any] | None = None
) -> SearchResult:
    """The objects of `kind` (`"definitions"`, `"tokens"`) that match `text` by properties that `user` may view.

    `narrowed` maps names of filters to values: objects that these leave out do not count towards `limit`. The result
    is empty and its source the database if there is no mirror of `kind`, or it does not answer at once.
    """
    if not (kind and settings.ELASTICSEARCH_URL and text.strip()):
        return SearchResult()
    return cast(SearchResult, _mirror().find(kind, text, user, narrowed or {}, limit))


def highlight(kind: str, text: str, user: AnyUser, ids: Sequence[str]) -> Highlights:
    """Why the objects `ids` match `text`; empty if there is no mirror, or it does not answer at once."""
    if not (settings.ELASTICSEARCH_URL and ids):
        return {}
    return cast(Highlights, _mirror().highlight(kind, text, user, ids))


def _mirror() -> Any:
    """The module that asks Elasticsearch. Its client takes 20 MB, so only processes with a mirror load it."""
    return import_module("search.elasticsearch_query")


class Ranked(Sequence[Any]):
    """Those of `rows` that were found, in the order of `ids`; only the slice that is asked for is read."""

    def __init__(self, rows: "QuerySet[Any]", ids: Sequence[str]) -> None:
        self._rows = rows
        there = {str(key) for key in rows.filter(pk__in=ids).values_list("pk", flat=True)}
        self._ids = [each for each in ids if each in there]

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, where: Any) -> Any:
        page = self._ids[where] if isinstance(where, slice) else [self._ids[where]]
        by_id = {str(row.pk): row for row in self._rows.filter(pk__in=page)}
        found = [by_id[each] for each in page if each in by_id]
        return found if isinstance(where, slice) else found[0]

    def __iter__(self) -> Iterator[Any]:
        return iter(self[:])


def in_order(rows: "QuerySet[Any]", ids: Sequence[str]) -> "QuerySet[Any]":
    """Those of `rows` that were found, in the order of `ids`, as a query set; for a few hundred ids."""
    place = Case(*(When(pk=each, then=Value(place)) for place, each in enumerate(ids)), output_field=IntegerField())
    return rows.filter(pk__in=ids).order_by(place) if ids else rows.none()
