"""The one thread of a process that looks for new events and hands them to its subscribers.

It lives as long as there are subscribers. Idle ones cost no database connection and no query of their own.
"""

import json
import logging
import threading
import time
from collections.abc import Iterable

from django.db import DatabaseError, close_old_connections, connections

from events import formats, positions
from events.models import InformationEvent
from events.readers import Reader
from events.subscription import Message, Subscription
from web.shutdown import at_end

TICK_SECONDS = 0.5
"""How often it looks: the longest that an event is under way."""

CHECK_SECONDS = 5.0
"""How often it looks whether idle subscribers may still be there."""

HANG_UP_SECONDS = 0.5
"""How long threads that send get at the end of the process."""

_BATCH = 100

_log = logging.getLogger("udapi.events")


class EndingError(Exception):
    """The process is about to end and takes no more subscribers."""


class Hub:
    """The subscribers of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: set[Subscription] = set()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._cursor = 0
        self._checked = 0.0

    def join(self, subscription: Subscription) -> int:
        """Hand events to `subscription` from now on; the position after which they come.

        Raises:
            EndingError: see there.
        """
        with self._lock:
            if self._ending.is_set():
                raise EndingError
            self._subscriptions.add(subscription)
            if self._thread is None:
                self._cursor = positions.last()
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()
        # What this gives, the thread may bring as well: the subscriber passes over it.
        return positions.give()

    def leave(self, subscription: Subscription) -> None:
        """Hand it nothing more."""
        subscription.end()
        with self._lock:
            self._subscriptions.discard(subscription)

    def end(self) -> None:
        """End all streams, because the process is to end."""
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
            is_out_of_order = self._thread is threading.current_thread()
            self._thread = None if is_out_of_order else self._thread
        if is_out_of_order:
            # Something nobody foresaw: rather come again than listen to silence.
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
            # The cursor stays where it is: what could not be read now is read later.
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
        """Flags are looked at after the events were read: who lost one before a change never hears of it."""
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


def as_message(event: InformationEvent) -> Message:
    """The event as the stream sends it; its position is the id to resume from."""
    position, data = event.position or 0, json.dumps(formats.as_dict(event), ensure_ascii=False)
    text = f"id: {position}\nevent: {event.object_type}ChangedEventMessage\ndata: {data}\n\n"
    return Message(position, text)


hub = Hub()
at_end(hub.end)
