"""A live stream as server-sent events: missed events from the database, then new ones, and heartbeats in between."""

from collections.abc import Iterator
from contextlib import ExitStack
from socket import socket

from django.db import close_old_connections

from events import positions, stream_slots
from events.hub import as_message, hub
from events.models import InformationEvent
from events.selection import Selection
from events.subscription import Subscription
from events.visibility import Reader

HEARTBEAT_SECONDS = 10.0
RETRY_MILLISECONDS = 1_000
_BATCH = 100


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
            held.enter_context(stream_slots.held(reader.user_id))
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
