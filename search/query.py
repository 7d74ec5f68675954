"""Searching: the ids that match, most relevant first, from the mirror, or None where the database has to answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from django.conf import settings
from django.db.models import Case, IntegerField, QuerySet, Value, When

from access.policy import AnyUser

MOST = 10_000
"""So many of the objects that match are found, the most relevant ones."""

ELASTICSEARCH: Final = "elasticsearch"
DATABASE: Final = "database"

Highlights = Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True)
class SearchResult:
    """What was found: ids, and for some of them the properties that match, as HTML with `<em>` and all else escaped."""

    ids: Sequence[str] = ()
    highlights: Highlights = field(default_factory=dict)
    source: str = DATABASE

    @property
    def is_from_mirror(self) -> bool:
        """Whether the ids are the answer; if not, the database has to search."""
        return self.source == ELASTICSEARCH


class Highlighter(Protocol):
    """Who says why something matches."""

    def __call__(self, kind: str, text: str, user: AnyUser, ids: Sequence[str]) -> Highlights:
        """By id and property."""


class Finder(Protocol):
    """Who asks Elasticsearch."""

    def __call__(self, kind: str, text: str, user: AnyUser, narrowed: Mapping[str, Any], limit: int) -> SearchResult:
        """What matches."""


_asked: dict[str, tuple[Finder, Highlighter]] = {}


def use(finder: Finder, highlighter: Highlighter) -> None:
    """From here on these answer."""
    _asked[ELASTICSEARCH] = (finder, highlighter)


def is_mirrored() -> bool:
    """Whether this process can ask a mirror."""
    return bool(settings.ELASTICSEARCH_URL and _asked)


def matching_ids(
    kind: str, text: str, user: AnyUser, limit: int = MOST, narrowed: Mapping[str, Any] | None = None
) -> SearchResult:
    """The objects of `kind` (`"definitions"`, `"tokens"`) that match `text`, as far as `user` may know why.

    `narrowed` holds filters by the name of their property, so that what they leave out takes no place. Without a
    mirror, or when it does not answer at once, the result is empty and its source the database.
    """
    if not (is_mirrored() and text.strip()):
        return SearchResult()
    return _asked[ELASTICSEARCH][0](kind, text, user, narrowed or {}, limit)


def highlight(kind: str, text: str, user: AnyUser, ids: Sequence[str]) -> Highlights:
    """Why the objects `ids`, those of a page, match `text`; nothing where Elasticsearch does not answer at once."""
    return _asked[ELASTICSEARCH][1](kind, text, user, ids) if is_mirrored() and ids else {}


class Ranked(Sequence[Any]):
    """The rows among `rows` that were found, in the order in which they were found."""

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
    """The rows that were found, the most relevant first; for a page of a few hundred."""
    place = Case(*(When(pk=each, then=Value(place)) for place, each in enumerate(ids)), output_field=IntegerField())
    return rows.filter(pk__in=ids).order_by(place) if ids else rows.none()
