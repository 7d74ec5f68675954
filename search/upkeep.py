"""Keeping the mirror: bringing changes, and now and then comparing and repairing, each done by one process at a time.

Two at once would be right as well (`search/writing.py` says why), only wasteful.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from broker.lease import Lease
from search import indices, switch
from search.connection import IndexFaultError, MirrorError, ping
from search.draining import drain
from search.kinds import ALL, MirroredKind
from search.mending import MirrorBusyError, abandon, rebuild, repair
from search.models import FAILURE_LENGTH, Copy, Mirror
from search.writing import PAGE

LEASE_SECONDS = 15.0
HEARTBEAT = timedelta(seconds=5)
REPAIR_PAUSE_SECONDS = LONGEST_PAUSE_SECONDS = 15.0
SHORTEST_PAUSE_SECONDS = 0.5
PAUSES_PER_SILENCE = 4
SMALLEST_PAGE = 10

_log = logging.getLogger("udapi.manager")


def bring_changes() -> None:
    """Bring all changes that wait. After a failure nobody tries for a while.

    Raises:
        django.db.Error: nobody tries before the lease has ended.
    """
    lease = Lease("mirror-changes", LEASE_SECONDS)
    if lease.hold():
        lease.release(after_seconds=_bring(Mirror.get(), lease))


def _bring(mirror: Mirror, lease: Lease) -> float:
    """Bring all that waits; returns for how many seconds to leave Elasticsearch alone."""
    if not mirror.is_on:
        return 0
    try:
        _drain(mirror, lease)
    except IndexFaultError as error:
        # Has it repaired: see `_is_due`.
        Copy.objects.filter(fault="").update(fault=str(error)[:FAILURE_LENGTH])
        _note_answer(mirror)
        return SHORTEST_PAUSE_SECONDS
    except MirrorError as error:
        return _note_failure(mirror, error)
    return 0


def _drain(mirror: Mirror, lease: Lease) -> None:
    """After a failure with small requests, which grow as long as they succeed."""
    page = SMALLEST_PAGE if mirror.failure else PAGE
    while drain(page):
        _note_answer(mirror)
        if not lease.hold():
            return
        page = min(PAGE, 2 * page)
    if _is_stale(mirror):
        ping()
        _note_answer(mirror)


def _is_stale(mirror: Mirror) -> bool:
    return bool(mirror.failure) or mirror.reached_at is None or timezone.now() - mirror.reached_at > HEARTBEAT


def _note_answer(mirror: Mirror) -> None:
    """Elasticsearch has answered."""
    if not _is_stale(mirror):
        return
    if mirror.failure:
        _log.info("The mirror goes on")
    mirror.reached_at, mirror.failure = timezone.now(), ""
    Mirror.change(reached_at=mirror.reached_at, failure="")


def _note_failure(mirror: Mirror, error: MirrorError) -> float:
    """The longer Elasticsearch has been silent, the longer the pause, which is returned in seconds."""
    if not mirror.failure:
        _log.warning("The mirror waits: %s", error)
    now = timezone.now()
    Mirror.change(failed_at=now, failure=str(error)[:FAILURE_LENGTH])
    if mirror.reached_at is None:
        return LONGEST_PAUSE_SECONDS
    silence = (now - mirror.reached_at).total_seconds()
    return min(LONGEST_PAUSE_SECONDS, max(SHORTEST_PAUSE_SECONDS, silence / PAUSES_PER_SILENCE))


def repair_when_due() -> None:
    """Turn the mirror on if it is off; compare and repair each kind whose check is due.

    Raises:
        django.db.Error: nobody tries before the lease has ended.
    """
    lease = Lease("mirror-repair", LEASE_SECONDS)
    if not lease.hold():
        return
    switch.turn_on()
    due = [kind for kind in ALL.values() if _is_due(Copy.get(kind.name))]
    are_right = [_set_right(kind, lease) for kind in due]
    lease.release(after_seconds=0 if all(are_right) else REPAIR_PAUSE_SECONDS)


def _is_due(copy: Copy) -> bool:
    """A fault is looked at again at once, but one that the cluster's operator has to mend."""
    if copy.checked_at is None or (copy.fault and not copy.fault.startswith(indices.BLOCKED)):
        return True
    return timezone.now() - copy.checked_at > timedelta(minutes=settings.ELASTICSEARCH_CHECK_MINUTES)


def _set_right(kind: MirroredKind, lease: Lease) -> bool:
    """Returns whether that succeeded."""
    try:
        _repair(kind, lease)
    except MirrorBusyError:
        return False
    except MirrorError as error:
        fault = str(error)[:FAILURE_LENGTH]
        if Copy.get(kind.name).fault != fault:
            _log.warning("%s cannot be repaired: %s", kind.alias, error)
        Copy.change(kind.name, fault=fault)
        return False
    return True


def _repair(kind: MirroredKind, lease: Lease) -> None:
    abandon(kind)
    if Copy.get(kind.name).checked_at is None and indices.fault(kind) in indices.NOT_OURS:
        # There never was an index, which is no drift.
        _log.info("Filling %s", kind.alias)
        count = rebuild(kind, between=lease.hold)
        _log.info("Filled %s with %d documents", kind.alias, count)
    findings = repair(kind, retry=False, between=lease.hold)
    if findings:
        _log.warning("Repaired %s: %d documents %s", kind.alias, len(findings.ids), findings.fault)
