"""The hub: one thread of a process that looks for new events and hands them to all live streams.

The thread runs as long as there are subscribers. An idle subscriber costs no database connection and no query.
"""

import json
import logging
import threading
import time
from collections.abc import Iterable

from django.db import DatabaseError, close_old_connections, connections

from events import positions
from events.models import InformationEvent
from events.serializers import as_dict
from events.subscription import StreamMessage, Subscription
from events.visibility import Reader
from web.shutdown import shutdown

TICK_SECONDS = 0.5
"""How often the thread looks for events, and so how long one takes at most to reach subscribers."""

CHECK_SECONDS = 5.0
"""How often the thread checks whether idle subscribers may still read events."""

HANG_UP_SECONDS = 0.5
"""How long streams may take to end when the process ends."""

_BATCH = 100

_log = logging.getLogger("udapi.events")


class EndingError(Exception):
    """The process is about to end and takes no more subscribers."""


class Hub:
    """The subscribers of one process, and the thread that serves them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: set[Subscription] = set()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._cursor = 0
        self._checked = 0.0

    def join(self, subscription: Subscription) -> int:
        """Hand events to `subscription` from now on; returns the position after which they start.

        Raises:
            EndingError
        """
        with self._lock:
            if self._ending.is_set():
                raise EndingError("The server is about to restart, try again.")
            self._subscriptions.add(subscription)
            if self._thread is None:
                self._cursor = positions.last()
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()
        # The thread may hand over events before this position, too; the stream skips them.
        return positions.give()

    def leave(self, subscription: Subscription) -> None:
        subscription.end()
        with self._lock:
            self._subscriptions.discard(subscription)

    def end(self) -> None:
        """End all streams, because the process is about to end."""
        self._ending.set()
        for subscription in self._all():
            subscription.end()

    def _all(self) -> list[Subscription]:
        with self._lock:
            return list(self._subscriptions)

    def _run(self) -> None:
        try:
            while self._goes_on():
                self._tick()
                self._ending.wait(TICK_SECONDS)
        finally:
            self._stop()
            connections.close_all()

    def _stop(self) -> None:
        with self._lock:
            has_failed = self._thread is threading.current_thread()
            self._thread = None if has_failed else self._thread
        if has_failed:
            # After an unexpected error clients must connect again; otherwise they would wait in vain.
            for subscription in self._all():
                subscription.end()
        if self._ending.is_set():
            self._hang_up()

    def _goes_on(self) -> bool:
        with self._lock:
            if self._subscriptions and not self._ending.is_set():
                return True
            self._thread = None
            return False

    def _tick(self) -> None:
        try:
            self._bring()
            self._check()
        except DatabaseError:
            # The cursor stays, so these events are read by a later tick.
            _log.exception("new events could not be read")
        finally:
            close_old_connections()

    def _bring(self) -> None:
        positions.give()
        new = InformationEvent.objects.filter(position__gt=self._cursor).order_by("position")
        while events := list(new.filter(position__gt=self._cursor)[:_BATCH]):
            self._hand_out(events)
            self._cursor = events[-1].position or self._cursor

    def _hand_out(self, events: Iterable[InformationEvent]) -> None:
        # Rights are checked after the events were read: a reader who lost a right before a change never sees it.
        readable: dict[Reader, frozenset[str]] = {}
        messages = [(event, as_message(event)) for event in events]
        for subscription in self._all():
            wanted = [each for each in messages if subscription.selection.wants(each[0])]
            reader = subscription.reader
            if wanted and reader not in readable:
                readable[reader] = reader.readable()
            for event, message in wanted:
                if event.object_type in readable[reader]:
                    subscription.put(message)

    def _check(self) -> None:
        subscriptions = self._all()
        for subscription in subscriptions:
            if subscription.is_gone() or subscription.is_stuck():
                subscription.hang_up()
        if time.monotonic() - self._checked >= CHECK_SECONDS:
            self._checked = time.monotonic()
            refused = {reader for reader in {each.reader for each in subscriptions} if not reader.readable()}
            for subscription in subscriptions:
                if subscription.reader in refused:
                    subscription.end()

    def _hang_up(self) -> None:
        deadline = time.monotonic() + HANG_UP_SECONDS
        while self._all() and time.monotonic() < deadline:
            time.sleep(0.02)
        for subscription in self._all():
            subscription.hang_up()


def as_message(event: InformationEvent) -> StreamMessage:
    """The event as the stream sends it. Its id is the position from which a client resumes."""
    position, data = event.position or 0, json.dumps(as_dict(event), ensure_ascii=False)
    text = f"id: {position}\nevent: {event.object_type}ChangedEventMessage\ndata: {data}\n\n"
    return StreamMessage(position, text)


hub = Hub()
"""The hub of this process. Created on import, so that `shutdown` knows it before the first stream."""
shutdown.on_begin(hub.end)
