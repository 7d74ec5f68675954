"""Asking Elasticsearch what matches. After a failure it is left alone for some seconds."""

import logging
import re
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any
from uuid import UUID

from access.policy import TOKEN, AnyUser, allows
from foundation.ids import parse_uuid
from objects.documents import searchable
from search.connection import READ_SECONDS, MirrorError, client
from search.indices import MIRRORED, MirroredKind
from search.models import DEFINITIONS, TOKENS
from search.query import ELASTICSEARCH, MOST, Highlights, SearchResult

PAUSE_SECONDS = 10.0
LONGEST_TEXT = 500
MOST_WORDS = 20
HIGHLIGHTED = 1_000
"""A search for at most this many objects also asks why each of them matches."""

_BEGIN, _END = "\ue000", "\ue001"
"""Private-use characters: the answer is escaped first, and these are then replaced by tags."""

_MARKS = {"pre_tags": [_BEGIN], "post_tags": [_END], "require_field_match": False, "max_analyzed_offset": 10_000}

_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    DEFINITIONS: {"name": 4, "route": 4, "segments": 3, "scriptName": 2, "allowedTokens.name": 2},
    TOKENS: {"name": 4},
}
_SHOWN = {DEFINITIONS: ("name", "route", "description", "scriptName", "allowedTokens.name"), TOKENS: ("name",)}

_log = logging.getLogger(__name__)


class CircuitBreaker:
    """Remembers a failure for `PAUSE_SECONDS`. Then one caller tries again, while the others still wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open_until = 0.0

    def may_ask(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if now < self._open_until:
                return False
            if self._open_until:
                self._open_until = now + PAUSE_SECONDS
            return True

    def open(self) -> None:
        with self._lock:
            self._open_until = time.monotonic() + PAUSE_SECONDS

    def close(self) -> None:
        with self._lock:
            self._open_until = 0.0


breaker = CircuitBreaker()
"""Shared by the threads of this process."""


def find(kind: str, text: str, user: AnyUser, narrowed: Mapping[str, Any], limit: int) -> SearchResult:
    """What `search.query.matching_ids` returns where there is a mirror."""
    plain = " ".join(searchable([text[:LONGEST_TEXT]]).split()[:MOST_WORDS])
    if not (plain and breaker.may_ask()):
        return SearchResult()
    query = _query(MIRRORED[kind], text.strip()[:LONGEST_TEXT], plain, user, narrowed)
    try:
        hits = _ask(MIRRORED[kind], query, user, min(limit, MOST))
    except MirrorError as error:
        _log.warning("The database answers searches for %d s: %s", PAUSE_SECONDS, error)
        breaker.open()
        return SearchResult()
    breaker.close()
    highlights = {hit["_id"]: _marked(hit["highlight"]) for hit in hits if "highlight" in hit}
    return SearchResult([hit["_id"] for hit in hits], highlights, ELASTICSEARCH)


def highlight(kind: str, text: str, user: AnyUser, ids: Sequence[str]) -> Highlights:
    """What `search.query.highlight` returns where there is a mirror."""
    return find(kind, text, user, {"id": ids[:HIGHLIGHTED]}, HIGHLIGHTED).highlights


def _ask(kind: MirroredKind, query: dict[str, Any], user: AnyUser, limit: int) -> Sequence[dict[str, Any]]:
    options: dict[str, Any] = {"source": False, "allow_partial_search_results": False, "track_total_hits": False}
    if limit <= HIGHLIGHTED:
        fields = {name: {"number_of_fragments": 3} for name in _readable(_SHOWN[kind.name], user)}
        options["highlight"] = _MARKS | {"fields": fields}
    asked = client().options(request_timeout=READ_SECONDS)
    found: Any = asked.search(index=kind.alias, query=query, size=limit, **options)
    hits: Sequence[dict[str, Any]] = found["hits"]["hits"]
    return hits


def _readable(properties: Iterable[str], user: AnyUser) -> list[str]:
    """Those of the properties that `user` may view."""
    sees_tokens = allows(user, TOKEN, "view")
    return [name for name in properties if sees_tokens or not name.startswith("allowedTokens")]


def _query(kind: MirroredKind, text: str, plain: str, user: AnyUser, narrowed: Mapping[str, Any]) -> dict[str, Any]:
    """Every word must be found: whole, as the beginning of a word, or with a typo. Closer matches score higher."""
    readable = _readable(_WEIGHTS[kind.name], user)
    words = "wordsWithTokens" if "allowedTokens.name" in readable else "words"
    ways: list[dict[str, Any]] = [
        {"match": {words: {"query": plain, "operator": "and", "boost": 3}}},
        {"match_bool_prefix": {words: {"query": plain, "operator": "and", "boost": 2}}},
        {"match": {words: {"query": plain, "operator": "and", "fuzziness": "AUTO", "prefix_length": 1, "boost": 0.3}}},
    ]
    if (key := parse_uuid(text)) is not None:
        ways.append({"term": {"id": {"value": str(key), "boost": 100}}})
    nearer: list[dict[str, Any]] = [{"match_phrase": {words: plain}}]
    exact = [name for name in ("name", "route") if name in readable]
    nearer += [{"term": {f"{name}.exact": {"value": text, "boost": 30}}} for name in exact]
    for name in readable:
        nearer += _near(name, text, _WEIGHTS[kind.name][name])
    filters = [clause for name, value in narrowed.items() if (clause := _filter(kind, name, value))]
    return {"bool": {"must": {"bool": {"should": ways}}, "should": nearer, "filter": filters}}


def _near(name: str, text: str, weight: float) -> list[dict[str, Any]]:
    if name == "segments":
        return [{"term": {name: {"value": text, "boost": weight}}}]
    return [{"match": {name: {"query": text, "boost": weight}}}, {"match_bool_prefix": {name: text}}]


_TIMES = re.compile("(created|lastModified)(After|Before)")


def _filter(kind: MirroredKind, name: str, value: Any) -> dict[str, Any] | None:
    """A filter that lets through at least what the database's filter does; None if the mirror has no such filter."""
    if found := _TIMES.fullmatch(name):
        column = "createdAt" if found[1] == "created" else found[1]
        # Inclusive, because the mirror has milliseconds and the database microseconds.
        return {"range": {column: {"gte" if found[2] == "After" else "lte": value.isoformat(timespec="milliseconds")}}}
    field = "allowedTokens.id" if name == "allowedToken" else _compared_as_a_whole(kind, name)
    if not field:
        return None
    several = value if isinstance(value, list | tuple) else [value]
    has_it = {"terms": {field: [str(each) if isinstance(each, UUID) else each for each in several]}}
    # The index may be older than the property, until the next repair.
    lacks_it = {"bool": {"must_not": {"exists": {"field": field}}}}
    return has_it if name in ("id", "allowedToken") else {"bool": {"should": [has_it, lacks_it]}}


def _compared_as_a_whole(kind: MirroredKind, name: str) -> str:
    content = kind.mapping["properties"].get(name, {})
    if content.get("type") in ("keyword", "boolean"):
        return name
    return f"{name}.exact" if "exact" in content.get("fields", ()) else ""


def _marked(highlight: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {
        name: [escape(text).replace(_BEGIN, "<em>").replace(_END, "</em>") for text in texts]
        for name, texts in highlight.items()
    }
