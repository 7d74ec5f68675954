"""Asking Elasticsearch what matches. When it does not answer at once, it is left alone for some seconds."""

import logging
import re
import threading
import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from uuid import UUID

from access.policy import TOKEN, AnyUser, allows
from objects.documents import searchable
from search.connection import READ_SECONDS, MirrorError, asking, client
from search.kinds import ALL, MirroredKind
from search.models import DEFINITIONS
from search.query import ELASTICSEARCH, MOST, SearchResult, use

REST_SECONDS = 10.0
LONGEST_TEXT = 500
MOST_WORDS = 20
HIGHLIGHTED = 1_000
"""Up to so many are asked for, with every one it is said why it matches."""

_BEGIN, _END = "\ue000", "\ue001"
"""Signs of nobody's (private use): what Elasticsearch sends is escaped here, and only then are they made tags."""

_MARKS = {"pre_tags": [_BEGIN], "post_tags": [_END], "require_field_match": False, "max_analyzed_offset": 10_000}

_WEIGHTS: Mapping[str, float] = {"name": 4, "route": 4, "segments": 3, "scriptName": 2, "allowedTokens.name": 2}
_SHOWN = ("name", "route", "description", "scriptName", "allowedTokens.name")

_log = logging.getLogger(__name__)


class Rest:
    """Remembers that Elasticsearch did not answer. When the time is over one caller tries it, others do not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0

    def is_over(self) -> bool:
        """Whether the caller is to ask."""
        with self._lock:
            if not self._until:
                return True
            if time.monotonic() < self._until:
                return False
            self._until = time.monotonic() + REST_SECONDS
            return True

    def begin(self) -> None:
        """It did not answer."""
        with self._lock:
            self._until = time.monotonic() + REST_SECONDS

    def end(self) -> None:
        """It did."""
        with self._lock:
            self._until = 0.0


rest = Rest()


def find(kind: str, text: str, user: AnyUser, narrowed: Mapping[str, Any], limit: int) -> SearchResult:
    """The ids that match; the database has to search where Elasticsearch does not answer, or has nothing to go by."""
    plain = " ".join(searchable([text[:LONGEST_TEXT]]).split()[:MOST_WORDS])
    if not (plain and rest.is_over()):
        return SearchResult()
    try:
        hits = _ask(ALL[kind], _query(kind, text.strip()[:LONGEST_TEXT], plain, user, narrowed), user, min(limit, MOST))
    except MirrorError as error:
        _log.warning("The database answers searches for %d s: %s", REST_SECONDS, error)
        rest.begin()
        return SearchResult()
    rest.end()
    highlights = {hit["_id"]: _marked(hit["highlight"]) for hit in hits if "highlight" in hit}
    return SearchResult([hit["_id"] for hit in hits], highlights, ELASTICSEARCH)


def _ask(kind: MirroredKind, query: dict[str, Any], user: AnyUser, limit: int) -> Sequence[dict[str, Any]]:
    options: dict[str, Any] = {"source": False, "allow_partial_search_results": False, "track_total_hits": False}
    if limit <= HIGHLIGHTED:
        fields = {name: {"number_of_fragments": 3} for name in _shown(kind.name, user)}
        options["highlight"] = _MARKS | {"fields": fields}
    with asking():
        asked = client().options(request_timeout=READ_SECONDS)
        found: Any = asked.search(index=kind.alias, query=query, size=limit, **options)
    hits: Sequence[dict[str, Any]] = found["hits"]["hits"]
    return hits


def highlight(kind: str, text: str, user: AnyUser, ids: Sequence[str]) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Why the objects `ids` match, for the page that shows them; nothing where Elasticsearch does not answer."""
    return find(kind, text, user, {"id": ids[:HIGHLIGHTED]}, HIGHLIGHTED).highlights


def _shown(kind: str, user: AnyUser) -> list[str]:
    if kind != DEFINITIONS:
        return ["name"]
    return [field for field in _SHOWN if not field.startswith("allowedTokens") or allows(user, TOKEN, "view")]


def _query(kind: str, text: str, plain: str, user: AnyUser, narrowed: Mapping[str, Any]) -> dict[str, Any]:
    """All words have to be there, whole, as a beginning or with a typo; the nearer, the more relevant."""
    shows_tokens = kind == DEFINITIONS and allows(user, TOKEN, "view")
    words = "wordsWithTokens" if shows_tokens else "words"
    ways: list[dict[str, Any]] = [
        {"match": {words: {"query": plain, "operator": "and", "boost": 3}}},
        {"match_bool_prefix": {words: {"query": plain, "operator": "and", "boost": 2}}},
        {"match": {words: {"query": plain, "operator": "and", "fuzziness": "AUTO", "prefix_length": 1, "boost": 0.3}}},
    ]
    if (key := _as_id(text)) is not None:
        ways.append({"term": {"id": {"value": key, "boost": 100}}})
    nearer: list[dict[str, Any]] = [{"match_phrase": {words: plain}}]
    for name in ("name", "route"):
        if kind == DEFINITIONS or name == "name":
            nearer.append({"term": {f"{name}.exact": {"value": text, "boost": 30}}})
    for name, weight in _WEIGHTS.items():
        if kind == DEFINITIONS or name == "name":
            nearer += [] if name.startswith("allowedTokens") and not shows_tokens else _near(name, text, weight)
    filters = [clause for name, value in narrowed.items() if (clause := _filter(name, value))]
    return {"bool": {"must": {"bool": {"should": ways}}, "should": nearer, "filter": filters}}


def _near(name: str, text: str, weight: float) -> list[dict[str, Any]]:
    if name == "segments":
        return [{"term": {name: {"value": text, "boost": weight}}}]
    return [{"match": {name: {"query": text, "boost": weight}}}, {"match_bool_prefix": {name: text}}]


_TERMS = {
    "name": "name.exact",
    "route": "route.exact",
    "scriptName": "scriptName.exact",
    "actionType": "actionType",
    "isDisabled": "isDisabled",
    "createdBy": "createdBy",
    "lastModifiedBy": "lastModifiedBy",
    "allowedToken": "allowedTokens.id",
    "id": "id",
}
_TIMES = re.compile("(created|lastModified)(After|Before)")


def _filter(name: str, value: Any) -> dict[str, Any] | None:
    """What at least lets through what the database's own filter does; None where there is none of that name."""
    if name in _TERMS:
        several = value if isinstance(value, list | tuple) else [value]
        return {"terms": {_TERMS[name]: [str(each) if isinstance(each, UUID) else each for each in several]}}
    found = _TIMES.fullmatch(name)
    if found is None:
        return None
    column = "createdAt" if found[1] == "created" else found[1]
    # The mirror has milliseconds, the database microseconds.
    return {"range": {column: {"gte" if found[2] == "After" else "lte": value.isoformat(timespec="milliseconds")}}}


def _as_id(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


def _marked(highlight: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {
        name: [escape(text).replace(_BEGIN, "<em>").replace(_END, "</em>") for text in texts]
        for name, texts in highlight.items()
    }


use(find, highlight)
