"""A live stream as server-sent events: missed events from the database, then new ones, and heartbeats in between."""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import socket

from django.conf import settings
from django.db import close_old_connections

from events import positions
from events.hub import as_message, hub
from events.models import InformationEvent
from events.selection import Selection
from events.subscription import Subscription
from events.visibility import Reader
from foundation import locks
from web import threads

HEARTBEAT_SECONDS = 10.0
RETRY_MILLISECONDS = 1_000
_BATCH = 100
MOST = 24
"""Slots of a user. A browser needs one for all of its pages; the others are for programs."""

_of_process = threading.BoundedSemaphore(threads.for_streams())


class NoSlotError(Exception):
    """All stream slots of the user or of the process are taken."""


@contextmanager
def _slot(user_id: int) -> Iterator[None]:
    """Hold a slot of the user, over all web server processes of the machine, and one of the process.

    The slot of the user is a locked file. The kernel releases the lock when the stream, or its process, has ended.

    Raises:
        NoSlotError: all are taken.
        OSError: the data directory is not writable.
    """
    user_slot = _lock_one(user_id)
    try:
        if not _of_process.acquire(blocking=False):
            raise NoSlotError("All slots for live streams are taken, try again later.")
        try:
            yield
        finally:
            _of_process.release()
    finally:
        os.close(user_slot)


def _lock_one(user_id: int) -> int:
    directory: Path = settings.DATA_DIR.streams_dir
    directory.mkdir(mode=0o700, exist_ok=True)
    # At most half of the slots of a process.
    most = min(MOST, max(1, threads.for_streams() // 2))
    for number in range(most):
        if (slot := locks.held(directory / f"{user_id}-{number}")) is not None:
            return slot
    raise NoSlotError(f"You already have {most} live streams, the most for one user. Close one of them first.")


class LiveStream:
    """The lines of one subscriber's stream. It must be closed, even if it was never read."""

    def __init__(
        self, selection: Selection, reader: Reader, after: int | None, connection: socket | None = None
    ) -> None:
        """The stream of `reader` after the position `after`, or from now on.

        Raises:
            NoSlotError: the user or the process has too many streams already.
            EndingError: the process is about to end.
        """
        self._subscription = Subscription(selection, reader, connection)
        with ExitStack() as held:
            held.enter_context(_slot(reader.user_id))
            held.callback(hub.leave, self._subscription)
            self._live_after = hub.join(self._subscription)
            self._held = held.pop_all()
        # A position that was never assigned (after a backup was restored, say) would hide new events.
        self._sent = self._live_after if after is None else min(after, self._live_after)

    def __iter__(self) -> Iterator[str]:
        for text in self._texts():
            self._subscription.sends(begins=True)
            yield text
            self._subscription.sends(begins=False)

    def close(self) -> None:
        self._held.close()

    def _texts(self) -> Iterator[str]:
        # A client that is disconnected before its first event must know the position to resume from.
        yield f"retry: {RETRY_MILLISECONDS}\nid: {self._sent}\n\n"
        while not self._subscription.has_ended:
            yield from self._missed()
            yield from self._live()
            self._live_after = positions.last()
            close_old_connections()

    def _live(self) -> Iterator[str]:
        """New events, until the end or until messages were dropped."""
        while not self._subscription.catches_up():
            message = self._subscription.get(HEARTBEAT_SECONDS)
            if self._subscription.has_ended:
                return
            if message is not None and message.position > self._sent:
                self._sent = message.position
                yield message.text
            elif message is None:
                yield ":\n\n"

    def _missed(self) -> Iterator[str]:
        """Events from before the stream, or whose messages were dropped, from the database."""
        while self._sent < self._live_after and not self._subscription.has_ended:
            batch = self._next_batch()
            for event in batch:
                yield as_message(event).text
            self._sent = (batch[-1].position or 0) if len(batch) == _BATCH else self._live_after

    def _next_batch(self) -> list[InformationEvent]:
        try:
            readable = self._subscription.reader.readable()
            stored = InformationEvent.objects.filter(position__gt=self._sent, position__lte=self._live_after)
            wanted = self._subscription.selection.among(stored.filter(object_type__in=readable))
            return list(wanted.order_by("position")[:_BATCH])
        finally:
            # Sending may take long; no database connection is held meanwhile.
            close_old_connections()
