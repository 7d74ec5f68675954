"""The kinds of objects that are mirrored: their documents, and their indices."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from definitions.documents import DefinitionDocument
from objects.documents import AuthoredDocument
from search.models import DEFINITIONS, TOKENS
from tokens.documents import TokenDocument

Source = dict[str, Any]

INDEX_SETTINGS = {
    "number_of_shards": 1,
    "auto_expand_replicas": "0-1",
    # So long a delete is remembered, and nothing older can bring the document back.
    "gc_deletes": "1h",
}


@dataclass(frozen=True)
class MirroredKind:
    """One kind."""

    name: str
    document: AuthoredDocument

    @property
    def alias(self) -> str:
        """By this name the index is searched and written."""
        return f"{settings.ELASTICSEARCH_PREFIX}-{self.name}"

    @property
    def indices(self) -> str:
        """All indices that were ever made for the alias."""
        return f"{self.alias}-*"

    def new_index(self) -> str:
        """The name of a new index."""
        return f"{self.alias}-{datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(3)}"

    @property
    def mapping(self) -> dict[str, Any]:
        """What the index knows of the documents; nothing else may stand in one."""
        found: dict[str, Any] = self.document._index.to_dict()["mappings"]
        for content in found["properties"].values():
            if "properties" in content:
                # Elasticsearch does not repeat it, and its answer is to be the same.
                content.pop("type", None)
        return {"dynamic": "strict"} | found

    def rows(self) -> "QuerySet[Any]":
        """All objects, by id."""
        return self.document.rows().order_by("pk")

    def sources(self, ids: Iterable[str]) -> dict[str, Source]:
        """The documents of the objects with these ids that exist, as they are now."""
        keys = [key for key in map(_as_key, ids) if key is not None]
        return self._prepared(self.rows().filter(pk__in=keys))

    def page(self, after: str, size: int) -> dict[str, Source]:
        """The documents of the next `size` objects behind the id `after`; all begin behind an empty one."""
        rows = self.rows().filter(pk__gt=after) if after else self.rows()
        return self._prepared(rows[:size])

    def _prepared(self, found: "QuerySet[Any]") -> dict[str, Source]:
        rows = list(found)
        self.document.complete(rows)
        return {str(row.pk): dict(self.document.prepare(row)) for row in rows}


def _as_key(text: str) -> UUID | None:
    """The id of an object; what else lies in an index is no object's."""
    try:
        key = UUID(text)
    except ValueError:
        return None
    return key if str(key) == text else None


def same(one: Source, other: Source) -> bool:
    """Whether two documents say the same."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


ALL = {DEFINITIONS: MirroredKind(DEFINITIONS, DefinitionDocument()), TOKENS: MirroredKind(TOKENS, TokenDocument())}
"""By name."""
