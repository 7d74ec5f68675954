"""The drift check: every document is compared with the database, revision and content."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from elasticsearch.helpers import scan

from search import indices
from search.connection import client
from search.indices import MirroredKind, Source
from search.intents import definitions_showing
from search.models import DEFINITIONS, RENAMES, Intent, SetAside

PAGE = 1_000
PAUSE_SECONDS = 1.0

Item = TypeVar("Item")


@dataclass
class Drift:
    """The ids of missing, stale and orphaned documents, and what is wrong with the index itself."""

    missing: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    orphaned: list[str] = field(default_factory=list)
    fault: str = ""

    @property
    def differences(self) -> dict[str, list[str]]:
        return {"missing": self.missing, "stale": self.stale, "orphaned": self.orphaned}

    @property
    def ids(self) -> list[str]:
        return [*self.missing, *self.stale, *self.orphaned]

    def __bool__(self) -> bool:
        return bool(self.fault or self.ids)


@dataclass(frozen=True)
class _Look:
    """What an object says at one moment, and what its document says; `version` is the document's."""

    wanted: Source | None
    found: Source | None
    version: int


def _same(one: Source | None, other: Source | None) -> bool:
    # As JSON, because 1 and true are equal in Python.
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def check(kind: MirroredKind, between: Callable[[], object] = lambda: None) -> Drift:
    """Compare the mirror with the database. Documents that wait to be written or are set aside do not count.

    `between` is called after each page.
    """
    fault = indices.fault(kind)
    if indices.is_repairable(fault):
        return Drift(fault=fault)
    client().indices.refresh(index=kind.alias)
    seen = _look(kind, _suspects(kind, between))
    if seen:
        # Drift is a difference that is seen twice, with no change on either side in between.
        time.sleep(PAUSE_SECONDS)
        seen = {key: look for key, look in _look(kind, seen).items() if seen[key] == look}
    return _sorted(seen, fault)


def _suspects(kind: MirroredKind, between: Callable[[], object]) -> list[str]:
    """The ids whose document and object differ while all are read once; some have merely changed meanwhile."""
    suspects: list[str] = []
    unseen = {str(key) for key in kind.rows().order_by().values_list("pk", flat=True)}
    for page in _documents(kind):
        wanted = kind.sources(page)
        suspects += [key for key, found in page.items() if key not in wanted or not _same(wanted[key], found)]
        unseen -= page.keys()
        between()
    return suspects + sorted(unseen)


def _documents(kind: MirroredKind) -> Iterator[dict[str, Source]]:
    hits = scan(client(), index=kind.alias, size=PAGE, query={"sort": ["_doc"]})
    while page := {hit["_id"]: hit["_source"] for hit in islice(hits, PAGE)}:
        yield page


def _look(kind: MirroredKind, ids: Iterable[str]) -> dict[str, _Look]:
    """Those of `ids` that differ now and do not wait to be written."""
    found: dict[str, _Look] = {}
    for page in slices(sorted(ids)):
        # In this order: an object that changes after its document was read has an intent, or is already written.
        documents = fetch(kind, page)
        wanted = kind.sources(page)
        for key in set(page) - _excused(kind, page):
            look = _Look(wanted.get(key), *documents.get(key, (None, 0)))
            if not _same(look.wanted, look.found):
                found[key] = look
    return found


def slices(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), PAGE):
        yield items[start : start + PAGE]


def fetch(kind: MirroredKind, ids: Sequence[str]) -> dict[str, tuple[Source, int]]:
    """The documents with these ids and their versions, including writes that are not searchable yet."""
    if not ids:
        return {}
    answer: Any = client().mget(index=kind.alias, ids=ids, realtime=True)
    return {each["_id"]: (each["_source"], each["_version"]) for each in answer["docs"] if each.get("found")}


def _excused(kind: MirroredKind, ids: Sequence[str]) -> set[str]:
    """Those of `ids` that wait to be written or are set aside, and all definitions that a new name must reach."""
    own = Intent.objects.filter(kind=kind.name, object_id__in=ids)
    aside = SetAside.objects.filter(kind=kind.name, object_id__in=ids)
    excused = {*own.values_list("object_id", flat=True), *aside.values_list("object_id", flat=True)}
    if kind.name == DEFINITIONS:
        for rename in Intent.objects.filter(kind__in=RENAMES):
            excused |= {str(key) for key in definitions_showing(rename).values_list("pk", flat=True)}
    return excused


def _sorted(seen: dict[str, _Look], fault: str) -> Drift:
    findings = Drift(fault=fault)
    for key, look in sorted(seen.items()):
        if look.found is None:
            findings.missing.append(key)
        elif look.wanted is None:
            findings.orphaned.append(key)
        else:
            findings.stale.append(key)
    return findings
