"""The repair: write what a drift check has found. One process of the fleet does it at a time, when a check is due."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from access.policy import MIRROR
from broker.lease import Lease
from objects.changes import announced
from search import indices
from search.connection import MirrorError, client
from search.drift import Drift, check, fetch, slices
from search.indices import MIRRORED, MirroredKind
from search.models import FAILURE_LENGTH, Copy, SetAside
from search.rebuild import MirrorBusyError, abandon, rebuild
from search.state import switch
from search.writes import write

LEASE_SECONDS = 15.0
PAUSE_SECONDS = 15.0
"""How long no process tries again after a failure."""
LARGEST_VERSION = 2**62
"""A foreign version above this leaves no room for ours."""

_log = logging.getLogger("udapi.manager")


def repair(kind: MirroredKind, *, retry: bool = True, between: Callable[[], object] = lambda: None) -> Drift:
    """Check the mirror and repair it; returns what the check found. `retry` also tries documents that are set aside.

    `between` is called after each page.

    Raises:
        MirrorBusyError, MirrorError: the repair is not complete.
    """
    findings = check(kind, between)
    if findings.fault == indices.CLOSED:
        client().indices.open(index=kind.alias, wait_for_active_shards="1")
        findings = replace(check(kind, between), fault=findings.fault)
    elif indices.is_repairable(findings.fault):
        rebuild(kind, between)
    for page in slices(findings.ids):
        _overwrite(kind, page)
        between()
    if retry:
        for page in slices(list(SetAside.objects.filter(kind=kind.name).values_list("object_id", flat=True))):
            write(kind, page)
    record(kind, findings, repaired=True)
    return findings


def _overwrite(kind: MirroredKind, ids: Sequence[str]) -> None:
    newer = sorted(write(kind, ids).newer)
    if newer:
        # A foreign program may have written a document with a larger version than any of ours.
        versions = [version for _, version in fetch(kind, newer).values()]
        write(kind, newer, above=max((version for version in versions if version < LARGEST_VERSION), default=0))


def record(kind: MirroredKind, findings: Drift, *, repaired: bool) -> None:
    """Store what a check has found. Drift that was repaired leaves an information event."""
    counts = {name: len(ids) for name, ids in findings.differences.items()}
    now = timezone.now()
    Copy.change(kind.name, checked_at=now, fault=findings.fault, **counts)
    if repaired and findings:
        Copy.change(kind.name, repaired_at=now)
        found = [*(f"{count} {name}" for name, count in counts.items() if count), findings.fault]
        text = ", ".join(filter(None, found))
        announced.send(sender=MIRROR, name=kind.name, text=text, properties={"name": kind.name})


def repair_when_due() -> None:
    """Turn the mirror on if it is off, then check and repair each kind whose check is due.

    Raises:
        django.db.Error: no process tries again before the lease has expired.
    """
    lease = Lease("mirror-repair", LEASE_SECONDS)
    if not lease.hold():
        return
    switch.turn_on()
    due = [kind for kind in MIRRORED.values() if _is_due(Copy.get(kind.name))]
    succeeded = [_try_repair(kind, lease) for kind in due]
    lease.release(after_seconds=0 if all(succeeded) else PAUSE_SECONDS)


def _is_due(copy: Copy) -> bool:
    """A fault makes a check due at once, unless only the operator of the cluster can repair it."""
    if copy.checked_at is None or indices.is_repairable(copy.fault):
        return True
    return timezone.now() - copy.checked_at > timedelta(minutes=settings.ELASTICSEARCH_CHECK_MINUTES)


def _try_repair(kind: MirroredKind, lease: Lease) -> bool:
    """Returns whether the repair succeeded."""
    try:
        _fill_or_repair(kind, lease)
    except MirrorBusyError:
        return False
    except MirrorError as error:
        fault = str(error)[:FAILURE_LENGTH]
        if Copy.get(kind.name).fault != fault:
            _log.warning("%s cannot be repaired: %s", kind.alias, error)
        Copy.change(kind.name, fault=fault)
        return False
    return True


def _fill_or_repair(kind: MirroredKind, lease: Lease) -> None:
    abandon(kind)
    if Copy.get(kind.name).checked_at is None and indices.fault(kind) in indices.NOT_OURS:
        # There was no index yet, which is no drift and leaves no event.
        _log.info("Filling %s", kind.alias)
        count = rebuild(kind, between=lease.hold)
        _log.info("Filled %s with %d documents", kind.alias, count)
    findings = repair(kind, retry=False, between=lease.hold)
    if findings:
        _log.warning("Repaired %s: %d documents %s", kind.alias, len(findings.ids), findings.fault)
