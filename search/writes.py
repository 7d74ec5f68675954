"""Writing documents. Each write has a number, so that the order in which writes arrive does not matter.

A writer reads the intents, then takes a number (`Mirror.take_ticket`), then reads the objects. Elasticsearch refuses
a write if the document already has a larger number. The writer of that document read the object later, so nothing is
lost.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from elasticsearch.helpers import streaming_bulk

from search.connection import client, failure, is_documents_fault
from search.indices import MirroredKind, Source
from search.models import Copy, Mirror, SetAside

PAGE = 500
FILLING_PAGE = 1_000
LARGEST_REQUEST = 5 * 1024 * 1024
REFRESHED_AT_ONCE = 100


@dataclass
class Written:
    """What Elasticsearch did not take: documents it refuses, with the reason, and those it has with a larger number."""

    refused: dict[str, str] = field(default_factory=dict)
    newer: set[str] = field(default_factory=set)


def write(kind: MirroredKind, ids: Sequence[str], *, above: int = 0) -> Written:
    """Bring the documents `ids` to the state of the database, also in an index that is being filled.

    Documents that Elasticsearch refuses are set aside. The number of the write exceeds `above`.

    Raises:
        MirrorError: some documents may not have been written; write them again.
    """
    ticket = Mirror.take_ticket(above)
    filling = Copy.get(kind.name).filling
    written = Written()
    actions = list(_actions(ids, kind.sources(ids), ticket))
    send(kind.alias, actions, written, require_alias=True)
    if filling:
        send(filling, actions, written, refresh=False)
    settle(kind, ids, written)
    return written


def settle(kind: MirroredKind, ids: Sequence[str], written: Written) -> None:
    """Set aside which of `ids` were refused; the others no longer are."""
    aside = SetAside.objects.filter(kind=kind.name)
    known = set(aside.filter(object_id__in=ids).values_list("object_id", flat=True))
    if not (known or written.refused):
        return
    with transaction.atomic():
        aside.filter(object_id__in=known - written.refused.keys()).delete()
        for object_id, reason in written.refused.items():
            aside.update_or_create(kind=kind.name, object_id=object_id, defaults={"reason": reason})


def pages(kind: MirroredKind) -> Iterator[dict[str, dict[str, Any]]]:
    """The actions that fill an index, by id, in pages ordered by id.

    One number serves for all pages: changes made meanwhile are written with larger ones.
    """
    ticket = Mirror.take_ticket()
    last = ""
    while sources := kind.page(last, FILLING_PAGE):
        yield {action["_id"]: action for action in _actions(sources, sources, ticket)}
        last = max(sources)


def _actions(ids: Iterable[str], sources: dict[str, Source], ticket: int) -> Iterator[dict[str, Any]]:
    for each in dict.fromkeys(ids):
        action = {"_id": each, "version": ticket, "version_type": "external"}
        if each in sources:
            yield action | {"_op_type": "index", "_source": sources[each]}
        else:
            yield action | {"_op_type": "delete"}


def send(
    index: str,
    actions: Sequence[dict[str, Any]],
    written: Written,
    *,
    require_alias: bool = False,
    refresh: bool | None = None,
) -> None:
    """Send `actions` in bulk, and add what was not taken to `written`.

    Raises:
        MirrorError: Elasticsearch did not carry out all of them, for a reason that is not in a document.
    """
    answers = streaming_bulk(
        client(),
        actions,
        chunk_size=FILLING_PAGE,
        max_chunk_bytes=LARGEST_REQUEST,
        raise_on_error=False,
        index=index,
        require_alias=require_alias,
        # A few changes can be searched at once; many wait for the index's own refresh.
        refresh=len(actions) <= REFRESHED_AT_ONCE if refresh is None else refresh,
    )
    for is_done, answer in answers:
        if not is_done:
            _note(next(iter(answer.values())), written)


def _note(answer: dict[str, Any], written: Written) -> None:
    error = answer.get("error") or {}
    kind, reason = (error.get("type", ""), error.get("reason", "")) if isinstance(error, dict) else ("", str(error))
    status, document = int(answer["status"]), str(answer["_id"])
    if status == 409:
        written.newer.add(document)
    elif status == 404 and not kind:
        return  # a delete of a document that does not exist
    elif is_documents_fault(status, kind):
        written.refused[document] = f"{kind}: {reason}"
    else:
        raise failure(status, kind, reason)
