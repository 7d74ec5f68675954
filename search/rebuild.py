"""The rebuild: fill a new index with all documents, then move the alias to it."""

import socket
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import Any

import psutil
from django.utils import timezone

from search import indices
from search.connection import IndexFaultError, MirrorError
from search.indices import MirroredKind
from search.models import Copy
from search.writes import Written, pages, send, settle

GIVEN_UP_SECONDS = 300.0
"""A rebuild without progress for this long is abandoned, and another process may begin one."""
PAUSES_SECONDS = (1, 2, 4, 8, 15, 15, 15)
PROGRESS_SECONDS = 2.0
SENDERS = 2
"""How many pages are sent at once."""


class MirrorBusyError(Exception):
    """Another process rebuilds this index."""


class SupersededError(MirrorBusyError):
    """Another process has given this rebuild up, and publishes an index of its own."""

    def __init__(self, index: str) -> None:
        super().__init__(f"Another process has given up the rebuild that filled {index}, and rebuilds in its place.")


def rebuild(kind: MirroredKind, between: Callable[[], object] = lambda: None) -> int:
    """Fill a new index and publish it; returns the number of documents. `between` is called after each page.

    Changes made meanwhile are written to both indices. Searches use the old one until the alias is moved.

    Raises:
        MirrorBusyError: another process rebuilds, or has taken this rebuild over; the alias was not moved.
        MirrorError: the old index remains in use.
    """
    index = _begin(kind)
    try:
        indices.remove_leftovers(kind, index)
        done = _fill(kind, index, between)
        if not indices.publish(kind, index):
            raise SupersededError(index)
    except SupersededError:
        # The index had been deleted, and our writes have created it again.
        indices.remove({index})
        raise
    finally:
        Copy.objects.filter(kind=kind.name, filling=index).update(filling="")
    return done


def _begin(kind: MirroredKind) -> str:
    """Create an index that only this process may fill and publish; returns its name."""
    copy = Copy.get(kind.name)
    if copy.filling and not is_abandoned(copy):
        raise MirrorBusyError(f"Another process fills {copy.filling} ({copy.done} of {copy.total}).")
    if copy.filling:
        # First: its process may continue at any moment, and as soon as our index is noted, changes no longer reach it.
        indices.forbid(copy.filling)
    index, total = indices.create(kind), kind.rows().count()
    values = {"filling": index, "filler": _name(), "done": 0, "total": total, "filled_at": timezone.now()}
    if not copy.replace(**values):
        indices.remove({index})
        raise MirrorBusyError("Another process has begun a rebuild at the same moment.")
    return index


def _fill(kind: MirroredKind, index: str, between: Callable[[], object]) -> int:
    """Each page is read while those before it are being sent."""
    done, told_at = 0, time.monotonic()
    with ThreadPoolExecutor(SENDERS) as sender:
        sent: deque[tuple[list[str], Future[Written]]] = deque()
        for page in chain(pages(kind), [{}] * SENDERS):
            sent.append((list(page), sender.submit(_send, index, list(page.values()))))
            if len(sent) > SENDERS:
                ids, written = sent.popleft()
                settle(kind, ids, written.result())
                done += len(ids)
                # Not after each page: SQLite has one writer at a time.
                if time.monotonic() - told_at > PROGRESS_SECONDS:
                    _note_progress(kind, index, done)
                    told_at = time.monotonic()
            between()
    return done


def _send(index: str, actions: list[dict[str, Any]]) -> Written:
    """Send a page, and again while Elasticsearch is busy or away. Documents that are already there stay."""
    written = Written()
    for pause in (*PAUSES_SECONDS, None):
        try:
            send(index, actions, written, refresh=False)
            break
        except MirrorError as error:
            if pause is None or isinstance(error, IndexFaultError):
                raise
            time.sleep(pause)
    return written


def _note_progress(kind: MirroredKind, index: str, done: int) -> None:
    values = {"done": done, "filled_at": timezone.now()}
    if not Copy.objects.filter(kind=kind.name, filling=index).update(**values):
        raise SupersededError(index)


def abandon(kind: MirroredKind) -> None:
    """Delete the index of a rebuild that no process continues."""
    copy = Copy.get(kind.name)
    if not (copy.filling and is_abandoned(copy)):
        return
    indices.forbid(copy.filling)
    if copy.replace(filling=""):
        indices.remove_leftovers(kind)


def is_abandoned(copy: Copy) -> bool:
    """Whether the rebuild of `copy` makes no progress, or its process has ended."""
    idle = (timezone.now() - copy.filled_at).total_seconds() if copy.filled_at else GIVEN_UP_SECONDS
    return idle >= GIVEN_UP_SECONDS or not _may_live(copy.filler)


def _name(number: int | None = None) -> str:
    """A name that no later process gets: machine, process id and start time."""
    process = psutil.Process(number)
    return f"{socket.gethostname()}/{process.pid}/{process.create_time():.2f}"


def _may_live(name: str) -> bool:
    """Whether the process of this name may still run; on another machine it is assumed to."""
    host, _, rest = name.partition("/")
    if host != socket.gethostname():
        return bool(name)
    try:
        return _name(int(rest.partition("/")[0])) == name
    except (psutil.NoSuchProcess, ValueError):
        return False
