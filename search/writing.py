"""Writing documents. Every write says as its version how old it is, so that their order does not matter.

Whoever writes reads the intents first, then takes a ticket, and then reads the objects. A document in the mirror
with a larger version was therefore read after that ticket was taken, and says all that this one would say: to be
refused because of it is as good as to be written.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from elasticsearch.helpers import streaming_bulk

from search.connection import asking, client, failure, is_documents_fault
from search.kinds import MirroredKind
from search.models import Copy, Mirror

PAGE = 500
FILLING_PAGE = 1_000
LARGEST_REQUEST = 5 * 1024 * 1024
REFRESHED_AT_ONCE = 100


@dataclass
class Written:
    """What became of the documents: who was refused and why, and where a newer one was there."""

    refused: dict[str, str] = field(default_factory=dict)
    newer: set[str] = field(default_factory=set)


def write(kind: MirroredKind, ids: Sequence[str], *, above: int = 0) -> Written:
    """Bring the documents `ids` to what the database says, also in an index that is just being filled.

    Raises:
        MirrorError: some may not have been written; do it again.
    """
    ticket = Mirror.take_ticket(above)
    filling = Copy.get(kind.name).filling
    written = Written()
    actions = list(_actions(ids, kind.sources(ids), ticket))
    send(kind.alias, actions, written, require_alias=True)
    if filling:
        # Nobody searches it yet.
        send(filling, actions, written, refresh=False)
    return written


def pages(kind: MirroredKind) -> Iterator[dict[str, dict[str, Any]]]:
    """What fills an index with all documents, by id, in their order: who is there throughout is in one of the pages.

    One ticket will do: whoever writes meanwhile takes a larger one, and goes on to write whatever changes later.
    """
    ticket = Mirror.take_ticket()
    last = ""
    while sources := kind.page(last, FILLING_PAGE):
        yield {action["_id"]: action for action in _actions(sources, sources, ticket)}
        last = max(sources)


def _actions(ids: Iterable[str], sources: dict[str, dict[str, Any]], ticket: int) -> Iterator[dict[str, Any]]:
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
    """Send `actions` to `index`.

    Raises:
        MirrorError: Elasticsearch, not a document, is the reason that some were not taken.
    """
    with asking():
        answers = streaming_bulk(
            client(),
            actions,
            chunk_size=FILLING_PAGE,
            max_chunk_bytes=LARGEST_REQUEST,
            raise_on_error=False,
            index=index,
            require_alias=require_alias,
            # A few changes are seen at once; many wait for the next refresh.
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
        return  # A delete of what is not there.
    elif is_documents_fault(status, kind):
        written.refused[document] = f"{kind}: {reason}"
    else:
        raise failure(status, kind, reason)
