"""The outbox: carrying out intents, oldest first. One process of the fleet does it at a time.

Two at once would be correct as well (see `search.writes`), but would do the work twice.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from broker.lease import Lease
from search.connection import IndexFaultError, MirrorError, client
from search.indices import MIRRORED
from search.intents import definitions_showing
from search.models import DEFINITIONS, FAILURE_LENGTH, KINDS, RENAMES, Copy, Intent, Mirror
from search.writes import PAGE, write

LEASE_SECONDS = 15.0
HEARTBEAT = timedelta(seconds=5)
"""How long Elasticsearch may be silent before it is asked for a sign of life."""
LONGEST_PAUSE_SECONDS = 15.0
SHORTEST_PAUSE_SECONDS = 0.5
PAUSES_PER_SILENCE = 4
SMALLEST_PAGE = 10

_log = logging.getLogger("udapi.manager")


def bring_changes() -> None:
    """Carry out all intents. After a failure, no process tries again for a while.

    Raises:
        django.db.Error: no process tries again before the lease has expired.
    """
    lease = Lease("mirror-changes", LEASE_SECONDS)
    if lease.hold():
        lease.release(after_seconds=_bring(Mirror.get(), lease))


def _bring(mirror: Mirror, lease: Lease) -> float:
    """Returns for how many seconds Elasticsearch must be left alone."""
    if not mirror.is_on:
        return 0
    try:
        _drain_all(mirror, lease)
    except IndexFaultError as error:
        # A fault makes a repair due at once: see `search.repair`.
        Copy.objects.filter(fault="").update(fault=str(error)[:FAILURE_LENGTH])
        _note_answer(mirror)
        return SHORTEST_PAUSE_SECONDS
    except MirrorError as error:
        return _note_failure(mirror, error)
    return 0


def _drain_all(mirror: Mirror, lease: Lease) -> None:
    # After a failure requests are small at first; they grow as long as they succeed.
    page = SMALLEST_PAGE if mirror.failure else PAGE
    while drain(page):
        _note_answer(mirror)
        if not lease.hold():
            return
        page = min(PAGE, 2 * page)
    if _is_silent(mirror):
        client().cluster.health()
        _note_answer(mirror)


def _is_silent(mirror: Mirror) -> bool:
    return bool(mirror.failure) or mirror.reached_at is None or timezone.now() - mirror.reached_at > HEARTBEAT


def _note_answer(mirror: Mirror) -> None:
    if not _is_silent(mirror):
        return
    if mirror.failure:
        _log.info("Elasticsearch answers again, the mirror continues")
    mirror.reached_at, mirror.failure = timezone.now(), ""
    Mirror.change(reached_at=mirror.reached_at, failure="")


def _note_failure(mirror: Mirror, error: MirrorError) -> float:
    """Returns the pause in seconds, which grows with the silence of Elasticsearch."""
    if not mirror.failure:
        _log.warning("The mirror waits: %s", error)
    now = timezone.now()
    Mirror.change(failed_at=now, failure=str(error)[:FAILURE_LENGTH])
    if mirror.reached_at is None:
        return LONGEST_PAUSE_SECONDS
    silence = (now - mirror.reached_at).total_seconds()
    return min(LONGEST_PAUSE_SECONDS, max(SHORTEST_PAUSE_SECONDS, silence / PAUSES_PER_SILENCE))


def drain(most: int = PAGE) -> int:
    """Carry out up to `most` intents, and write up to `most` definitions that show a new name.

    Returns how many of both were done; 0 if nothing is left.

    Raises:
        MirrorError: the intents that were not carried out remain.
    """
    intents = list(Intent.objects.filter(kind__in=KINDS).order_by("pk")[:most])
    for name in KINDS:
        of_kind = [intent for intent in intents if intent.kind == name]
        if of_kind:
            write(MIRRORED[name], [intent.object_id for intent in of_kind])
            _forget(of_kind)
    return len(intents) + _spread(most)


def _spread(most: int) -> int:
    """Write the next `most` definitions that show new names, all in one request."""
    reached: list[str] = []
    over: list[Intent] = []
    begun: list[Intent] = []
    for intent in Intent.objects.filter(kind__in=RENAMES).order_by("pk")[:most]:
        room = most - len(reached)
        ids = _next_showing(intent, room)
        reached += ids
        if len(ids) == room:
            intent.cursor = ids[-1]
            begun = [intent]
            break
        over.append(intent)
    if reached:
        write(MIRRORED[DEFINITIONS], reached)
    Intent.objects.bulk_update(begun, ["cursor"])
    _forget(over)
    return len(reached) + len(over)


def _next_showing(intent: Intent, most: int) -> list[str]:
    shown = definitions_showing(intent).order_by("pk")
    if intent.cursor:
        shown = shown.filter(pk__gt=intent.cursor)
    return [str(key) for key in shown.values_list("pk", flat=True)[:most]]


def _forget(intents: Iterable[Intent]) -> None:
    Intent.objects.filter(pk__in=[intent.pk for intent in intents]).delete()
