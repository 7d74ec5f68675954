"""The mirrored kinds of objects and their indices in Elasticsearch: create, fill, publish, inspect, delete.

Each kind has an alias. Searches and writes use the alias, which stands for one index.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet

from definitions.documents import DefinitionDocument
from objects.documents import AuthoredDocument
from objects.serializers import as_id
from search.connection import MirrorError, client
from search.models import DEFINITIONS, TOKENS
from tokens.documents import TokenDocument

Source = dict[str, Any]
"""The content of a document."""

INDEX_SETTINGS = {
    "number_of_shards": 1,
    "auto_expand_replicas": "0-1",
    # How long Elasticsearch remembers the version of a deleted document; an older write cannot bring it back.
    "gc_deletes": "1h",
}

CLOSED = "the index is closed"
BLOCKED = "the index is blocked"
MISSING = "the alias is missing"
FOREIGN = "an index has the alias' name"
CHANGED = "the mapping differs from the product's"
NOT_OURS = frozenset({MISSING, FOREIGN, CHANGED})
"""The faults that only a new index repairs."""


@dataclass(frozen=True)
class MirroredKind:
    """A kind of objects, its documents and its alias."""

    name: str
    document: AuthoredDocument

    @property
    def alias(self) -> str:
        return f"{settings.ELASTICSEARCH_PREFIX}-{self.name}"

    @property
    def indices(self) -> str:
        """The pattern of the names of all its indices."""
        return f"{self.alias}-*"

    @property
    def mapping(self) -> dict[str, Any]:
        """The mapping as Elasticsearch returns it; documents with other properties are refused."""
        found: dict[str, Any] = self.document._index.to_dict()["mappings"]
        for content in found["properties"].values():
            if "properties" in content:
                # Elasticsearch leaves "type": "object" out.
                content.pop("type", None)
        return {"dynamic": "strict"} | found

    def rows(self) -> "QuerySet[Any]":
        """All objects, by id."""
        return self.document.rows().order_by("pk")

    def sources(self, ids: Iterable[str]) -> dict[str, Source]:
        """The current documents of those objects among `ids` that exist."""
        # A foreign document may have an id that no object can have.
        keys = [key for key in map(as_id, ids) if key is not None]
        return self._prepared(self.rows().filter(pk__in=keys))

    def page(self, after: str, size: int) -> dict[str, Source]:
        """The documents of the next `size` objects after the id `after`, or of the first if it is empty."""
        rows = self.rows().filter(pk__gt=after) if after else self.rows()
        return self._prepared(rows[:size])

    def _prepared(self, found: "QuerySet[Any]") -> dict[str, Source]:
        rows = list(found)
        self.document.complete(rows)
        return {str(row.pk): dict(self.document.prepare(row)) for row in rows}


MIRRORED: Final = {
    DEFINITIONS: MirroredKind(DEFINITIONS, DefinitionDocument()),
    TOKENS: MirroredKind(TOKENS, TokenDocument()),
}


def create(kind: MirroredKind) -> str:
    """Create an empty index, with a mark that permits one process to publish it; returns its name.

    The mark is an alias of the index's own.
    """
    index = f"{kind.alias}-{datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(3)}"
    settings = INDEX_SETTINGS | {"refresh_interval": -1}
    client().indices.create(index=index, mappings=kind.mapping, settings=settings, aliases={_mark(index): {}})
    return index


def _mark(index: str) -> str:
    return f"{index}-filling"


def forbid(index: str) -> bool:
    """Remove the mark, so that `index` can never be published; returns whether it had one."""
    answer = client().options(ignore_status=404).indices.delete_alias(index=index, name=_mark(index))
    return answer.meta.status < 400


def publish(kind: MirroredKind, index: str) -> bool:
    """Move the alias to `index` in one step, and delete the index that it replaces.

    Returns whether the alias was moved; it is not if `index` has lost its mark.
    """
    try:
        client().indices.put_settings(index=index, settings={"refresh_interval": None})
        client().indices.refresh(index=index)
        former = _behind(kind)
        _move_alias(kind, index, former)
    except MirrorError:
        # Perhaps the alias was moved, and only the answer was lost.
        if _behind(kind) == {index}:
            return True
        if client().indices.exists_alias(index=index, name=_mark(index)):
            raise
        return False
    remove(former - {index, kind.alias})
    return True


def _move_alias(kind: MirroredKind, index: str, former: set[str]) -> None:
    """Move the alias and remove the mark in one step, which fails if another process has removed the mark."""
    actions: list[dict[str, Any]] = [
        {"remove": {"index": index, "alias": _mark(index), "must_exist": True}},
        {"add": {"index": index, "alias": kind.alias, "is_write_index": True}},
    ]
    # An index with the alias' name would keep the alias from being added.
    actions += [
        {"remove_index": {"index": each}} if each == kind.alias else {"remove": {"index": each, "alias": kind.alias}}
        for each in former - {index}
    ]
    client().indices.update_aliases(actions=actions)


def remove(indices: set[str]) -> None:
    """Delete these indices."""
    for index in sorted(indices):
        # Another process may delete it at the same moment.
        client().options(ignore_status=404).indices.delete(index=index)


def remove_leftovers(kind: MirroredKind, filling: str = "") -> None:
    """Delete the indices of abandoned rebuilds, but not `filling`, which is being filled."""
    found = client().indices.get(
        index=kind.indices, expand_wildcards="all", ignore_unavailable=True, features="aliases"
    )
    for name, content in found.items():
        index, aliases = str(name), content["aliases"].keys()
        # `forbid` fails if the index was published since it was listed: then it has no mark any more.
        if not aliases or (aliases == {_mark(index)} and index != filling and forbid(index)):
            remove({index})


def fault(kind: MirroredKind) -> str:
    """What is wrong with the index behind the alias, in words; empty if nothing is."""
    behind = sorted(_behind(kind))
    if not behind:
        return MISSING
    if behind == [kind.alias]:
        return FOREIGN
    if len(behind) > 1:
        return f"the alias stands for {len(behind)} indices"
    settings = client().indices.get_settings(index=behind[0], expand_wildcards="all", flat_settings=True)
    state = client().cluster.state(metric="metadata", index=behind[0], expand_wildcards="all")
    mapping = client().indices.get_mapping(index=behind[0], expand_wildcards="all")[behind[0]]["mappings"]
    if state["metadata"]["indices"][behind[0]]["state"] == "close":
        return CLOSED
    if mapping != kind.mapping:
        return CHANGED
    values = settings[behind[0]]["settings"]
    blocks = sorted(name for name in values if name.startswith("index.blocks.") and values[name] == "true")
    return f"{BLOCKED} ({', '.join(blocks)})" if blocks else ""


def is_repairable(fault: str) -> bool:
    """Whether the product can repair the fault; a blocked index is up to the operator of the cluster."""
    return bool(fault) and not fault.startswith(BLOCKED)


def _behind(kind: MirroredKind) -> set[str]:
    """The indices that the alias stands for, or the index that has its name."""
    found = client().indices.get(index=kind.alias, expand_wildcards="all", ignore_unavailable=True, features="aliases")
    return {str(name) for name in found}
