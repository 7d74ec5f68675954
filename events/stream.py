"""The live stream as server-sent events: what was missed, then what comes, with a sign of life in between."""

from collections.abc import Callable, Iterator
from socket import socket

from django.db import close_old_connections

from events import positions
from events.hub import as_message, hub
from events.models import InformationEvent
from events.readers import Reader
from events.selection import Selection
from events.subscription import Subscription

HEARTBEAT_SECONDS = 10.0
RETRY_MILLISECONDS = 1_000
_BATCH = 100


class LiveStream:
    """The lines of one subscriber's stream. Whoever opens it closes it, read or not."""

    def __init__(self, subscription: Subscription, after: int | None, on_close: Callable[[], None]) -> None:
        self._subscription = subscription
        self._on_close: Callable[[], None] | None = on_close
        self._live_after = hub.join(subscription)
        # A position that was never given (a restored backup, say) would hide what comes.
        self._sent = self._live_after if after is None else min(after, self._live_after)

    @classmethod
    def open(
        cls,
        selection: Selection,
        reader: Reader,
        after: int | None,
        connection: socket | None,
        on_close: Callable[[], None],
    ) -> "LiveStream":
        """The stream of `reader`, from the position `after` on or from now on; `on_close` is called once at its end.

        Raises:
            EndingError: the process is about to end.
        """
        subscription = Subscription(selection, reader, connection)
        try:
            return cls(subscription, after, on_close)
        except BaseException:
            hub.leave(subscription)
            on_close()
            raise

    def __iter__(self) -> Iterator[str]:
        for text in self._texts():
            self._subscription.sends(begins=True)
            yield text
            self._subscription.sends(begins=False)

    def close(self) -> None:
        """Leave; the thread that sent it is free again."""
        hub.leave(self._subscription)
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()

    def _texts(self) -> Iterator[str]:
        # A client that hears nothing before it has to come again must know from where on.
        yield f"retry: {RETRY_MILLISECONDS}\nid: {self._sent}\n\n"
        while not self._subscription.has_ended:
            yield from self._missed()
            yield from self._live()
            self._live_after = last_position()

    def _live(self) -> Iterator[str]:
        """Until the end, or until messages were left out."""
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
        """What was there already, or was left out, from the database."""
        while self._sent < self._live_after and not self._subscription.has_ended:
            batch = self._next_batch()
            for event in batch:
                yield as_message(event).text
            self._sent = (batch[-1].position or 0) if len(batch) == _BATCH else self._live_after

    def _next_batch(self) -> list[InformationEvent]:
        """No connection to the database is held while a batch is sent."""
        try:
            readable = self._subscription.reader.readable()
            stored = InformationEvent.objects.filter(position__gt=self._sent, position__lte=self._live_after)
            wanted = self._subscription.selection.among(stored.filter(object_type__in=readable))
            return list(wanted.order_by("position")[:_BATCH])
        finally:
            close_old_connections()


def last_position() -> int:
    """The last position given; no connection to the database is held afterwards."""
    try:
        return positions.last()
    finally:
        close_old_connections()
