"""Comparing every document with the database, version and content."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from elasticsearch.helpers import scan

from search import indices
from search.connection import asking, client
from search.draining import showing
from search.kinds import MirroredKind, Source, same
from search.models import DEFINITIONS, SPREADS, Intent, SetAside

PAGE = 1_000
LOOKS = 2
"""So often a difference has to be seen, with nothing changed in between on either side."""
PAUSE_SECONDS = 1.0


@dataclass
class Drift:
    """The ids of documents that are missing, stale and orphaned, and what is wrong with the index itself."""

    missing: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    orphaned: list[str] = field(default_factory=list)
    fault: str = ""

    @property
    def ids(self) -> list[str]:
        """All of them."""
        return [*self.missing, *self.stale, *self.orphaned]

    def __bool__(self) -> bool:
        return bool(self.fault or self.ids)


@dataclass(frozen=True)
class _Seen:
    """An object and its document at one look."""

    wanted: Source | None
    found: Source | None
    version: int

    @property
    def differs(self) -> bool:
        if self.wanted is None or self.found is None:
            return self.wanted is not self.found
        return not same(self.wanted, self.found)


def nothing() -> None:
    """What is done between two pages unless said otherwise."""


def check(kind: MirroredKind, between: Callable[[], object] = nothing) -> Drift:
    """What differs between mirror and database. What waits to be written, or is set aside, is no difference.

    `between` is called after each page, to go on with other work.

    Raises:
        MirrorError: nobody answers.
    """
    fault = indices.fault(kind)
    if fault and not fault.startswith(indices.BLOCKED):
        return Drift(fault=fault)
    with asking():
        client().indices.refresh(index=kind.alias)
    suspects = _suspects(kind, between)
    seen = _look(kind, suspects)
    for _ in range(LOOKS - 1):
        if seen:
            time.sleep(PAUSE_SECONDS)
            before, seen = seen, _look(kind, seen)
            seen = {key: look for key, look in seen.items() if before[key] == look}
    return _sorted(seen, fault)


def _suspects(kind: MirroredKind, between: Callable[[], object]) -> list[str]:
    """The ids where document and object are not the same at the first, hasty look."""
    suspects: list[str] = []
    unseen = {str(key) for key in kind.rows().order_by().values_list("pk", flat=True)}
    for page in _documents(kind):
        wanted = kind.sources(page)
        suspects += [key for key, found in page.items() if key not in wanted or not same(wanted[key], found)]
        unseen -= page.keys()
        between()
    return suspects + sorted(unseen)


def _documents(kind: MirroredKind) -> Iterator[dict[str, Source]]:
    """All documents, by pages."""
    with asking():
        page: dict[str, Source] = {}
        for hit in scan(client(), index=kind.alias, size=PAGE, query={"sort": ["_doc"]}):
            page[hit["_id"]] = hit["_source"]
            if len(page) == PAGE:
                yield page
                page = {}
        yield page


def _look(kind: MirroredKind, ids: Iterable[str]) -> "dict[str, _Seen]":
    """Those that differ now and do not wait to be written."""
    keys = sorted(ids)
    found: dict[str, _Seen] = {}
    for start in range(0, len(keys), PAGE):
        page = keys[start : start + PAGE]
        # In this order: what changes after the mirror was read is among the intents, or has been written.
        documents = fetch(kind, page)
        wanted = kind.sources(page)
        excused = _excused(kind, page)
        looks = {key: _Seen(wanted.get(key), *documents.get(key, (None, 0))) for key in page}
        found |= {key: look for key, look in looks.items() if look.differs and key not in excused}
    return found


def fetch(kind: MirroredKind, ids: list[str]) -> dict[str, tuple[Source, int]]:
    """The documents with these ids as they are at this moment, and their versions.

    Raises:
        MirrorError: nobody answers.
    """
    if not ids:
        return {}
    with asking():
        answer: Any = client().mget(index=kind.alias, ids=ids, realtime=True)
    return {each["_id"]: (each["_source"], each["_version"]) for each in answer["docs"] if each.get("found")}


def _excused(kind: MirroredKind, ids: list[str]) -> set[str]:
    """Those of `ids` that wait to be written, or cannot be."""
    own = Intent.objects.filter(kind=kind.name, object_id__in=ids)
    aside = SetAside.objects.filter(kind=kind.name, object_id__in=ids)
    excused = {*own.values_list("object_id", flat=True), *aside.values_list("object_id", flat=True)}
    if kind.name == DEFINITIONS:
        for spread in Intent.objects.filter(kind__in=SPREADS):
            excused |= {str(key) for key in showing(spread).values_list("pk", flat=True)}
    return excused


def _sorted(seen: "dict[str, _Seen]", fault: str) -> Drift:
    findings = Drift(fault=fault)
    for key, look in sorted(seen.items()):
        if look.found is None:
            findings.missing.append(key)
        elif look.wanted is None:
            findings.orphaned.append(key)
        else:
            findings.stale.append(key)
    return findings
