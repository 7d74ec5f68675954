"""Filling an index anew and putting it in the place of the old one; repairing what a check has found."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import Any, TypeVar

from django.utils import timezone

from access.policy import MIRROR
from objects.announcements import announced
from search import indices, process
from search.checking import PAGE, Drift, check, fetch, nothing
from search.connection import IndexFaultError, MirrorError
from search.draining import bring, settle
from search.kinds import MirroredKind
from search.models import Copy, SetAside
from search.writing import Written, pages, send, write

GIVEN_UP_SECONDS = 300.0
"""A rebuild that has not gone on for so long is nobody's any more."""
LARGEST_VERSION = 2**62
PAUSES_SECONDS = (1, 2, 4, 8, 15, 15, 15)

PROGRESS_SECONDS = 2.0
SENDERS = 2
"""So many pages are on their way at once; Elasticsearch takes them side by side."""

Item = TypeVar("Item")


class MirrorBusyError(Exception):
    """Another process rebuilds this index right now."""


class SupersededError(MirrorBusyError):
    """Another process has given this rebuild up, and publishes an index of its own."""

    def __init__(self, index: str) -> None:
        super().__init__(f"Another process has given up the rebuild that filled {index}, and rebuilds in its place.")


def rebuild(kind: MirroredKind, between: Callable[[], object] = nothing) -> int:
    """Fill a new index and swap it in; `between` is called after each page, to go on with other work.

    Changes go on meanwhile: whoever writes one, writes it into the new index too. The old one is searched until the
    alias is moved. Returns the number of documents.

    Raises:
        MirrorBusyError: another process is at it, or has taken it over; the alias was not moved.
        MirrorError: the old index stays as it is.
    """
    index = _begin(kind)
    try:
        indices.remove_leftovers(kind, index)
        done = _fill(kind, index, between)
        if not indices.publish(kind, index):
            raise SupersededError(index)
    except SupersededError:
        # Sending to an index that was removed has created it again.
        indices.remove({index})
        raise
    finally:
        Copy.objects.filter(kind=kind.name, filling=index).update(filling="")
    return done


def _begin(kind: MirroredKind) -> str:
    """A new index that this process alone may fill and publish; its name."""
    copy = Copy.get(kind.name)
    if copy.filling and not is_given_up(copy):
        raise MirrorBusyError(f"Another process fills {copy.filling} ({copy.done} of {copy.total}).")
    if copy.filling:
        # First: the other process may continue at any moment, and writers stop filling its index once ours is noted.
        indices.forbid(copy.filling)
    index, total = indices.create(kind), kind.rows().count()
    values = {"filling": index, "filler": process.me(), "done": 0, "total": total, "filled_at": timezone.now()}
    if not copy.replace(**values):
        indices.remove({index})
        raise MirrorBusyError("Another process has begun at the same moment.")
    return index


def _fill(kind: MirroredKind, index: str, between: Callable[[], object]) -> int:
    """Each page is read while those before are on their way."""
    done, told_at = 0, time.monotonic()
    with ThreadPoolExecutor(SENDERS) as sender:
        sent: deque[tuple[list[str], Future[Written]]] = deque()
        for page in chain(pages(kind), [{}] * SENDERS):
            sent.append((list(page), sender.submit(_send, index, list(page.values()))))
            if len(sent) > SENDERS:
                ids, written = sent.popleft()
                settle(kind, ids, written.result())
                done += len(ids)
                # A write waits for all others.
                if time.monotonic() - told_at > PROGRESS_SECONDS:
                    _tell(kind, index, done)
                    told_at = time.monotonic()
            between()
    return done


def _send(index: str, actions: list[dict[str, Any]]) -> Written:
    """Send a page; where Elasticsearch is busy or away for a moment, again. What is there already stays."""
    written = Written()
    for pause in PAUSES_SECONDS:
        try:
            send(index, actions, written, refresh=False)
        except IndexFaultError:
            raise
        except MirrorError:
            time.sleep(pause)
        else:
            return written
    send(index, actions, written, refresh=False)
    return written


def _tell(kind: MirroredKind, index: str, done: int) -> None:
    values = {"done": done, "filled_at": timezone.now()}
    if not Copy.objects.filter(kind=kind.name, filling=index).update(**values):
        raise SupersededError(index)


def abandon(kind: MirroredKind) -> None:
    """Forget an index that nobody goes on filling.

    Raises:
        MirrorError: it cannot be removed.
    """
    copy = Copy.get(kind.name)
    if not (copy.filling and is_given_up(copy)):
        return
    indices.forbid(copy.filling)
    if copy.replace(filling=""):
        indices.remove_leftovers(kind)


def is_given_up(copy: Copy) -> bool:
    """Whether nobody goes on filling the index that `copy` names."""
    idle = (timezone.now() - copy.filled_at).total_seconds() if copy.filled_at else GIVEN_UP_SECONDS
    return idle >= GIVEN_UP_SECONDS or not process.may_live(copy.filler)


def repair(kind: MirroredKind, *, retry: bool = True, between: Callable[[], object] = nothing) -> Drift:
    """Find what differs and set it right; returns what was found. `retry` tries what is set aside as well.

    `between` is called after each page.

    Raises:
        MirrorBusyError, MirrorError: some of it is still as it was.
    """
    findings = check(kind, between)
    if findings.fault == indices.CLOSED:
        indices.open_again(kind)
        reopened = check(kind, between)
        findings.missing, findings.stale, findings.orphaned = reopened.missing, reopened.stale, reopened.orphaned
    elif findings.fault and not findings.fault.startswith(indices.BLOCKED):
        rebuild(kind, between)
    for page in _slices(findings.ids):
        _overwrite(kind, page)
        between()
    if retry:
        for page in _slices(list(SetAside.objects.filter(kind=kind.name).values_list("object_id", flat=True))):
            bring(kind, page)
    note(kind, findings, repaired=True)
    return findings


def note(kind: MirroredKind, findings: Drift, *, repaired: bool) -> None:
    """Keep for all to see what a check has found; drift that was repaired is worth an information event."""
    values = {"missing": findings.missing, "stale": findings.stale, "orphaned": findings.orphaned}
    counts = {name: len(ids) for name, ids in values.items()}
    now = timezone.now()
    Copy.change(kind.name, checked_at=now, fault=findings.fault, **counts)
    if repaired and findings:
        Copy.change(kind.name, repaired_at=now)
        found = [f"{count} {name}" for name, count in counts.items() if count]
        text = ", ".join([*found, *([findings.fault] if findings.fault else [])])
        announced.send(sender=MIRROR, name=kind.name, text=text, properties={"name": kind.name})


def _overwrite(kind: MirroredKind, ids: list[str]) -> None:
    """Write them. A foreign document may have a larger version than we have ever given: ours goes above it."""
    written = write(kind, ids)
    if written.newer:
        versions = [version for _, version in fetch(kind, sorted(written.newer)).values()]
        highest = max((version for version in versions if version < LARGEST_VERSION), default=0)
        written = Written(refused=written.refused | write(kind, sorted(written.newer), above=highest).refused)
    settle(kind, ids, written)


def _slices(items: list[Item]) -> Iterator[list[Item]]:
    for start in range(0, len(items), PAGE):
        yield items[start : start + PAGE]
