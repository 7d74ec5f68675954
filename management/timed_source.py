"""What a scrape reads from other programs: in a thread of its own, so that a silent one cannot hold up the scrape."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTimeError
from dataclasses import dataclass, field

import redis
from django.db import Error as DatabaseError
from django.db import connections
from msgspec import MsgspecError
from prometheus_client.metrics_core import Metric

PATIENCE_SECONDS = 2.0

Read = Callable[[], Sequence[Metric]]

_FAILURES = (redis.RedisError, DatabaseError, MsgspecError, OSError)


@dataclass
class _Attempt:
    """One attempt to read; its result is None if it has failed."""

    result: Future[Sequence[Metric] | None] = field(default_factory=Future)
    begun: float = field(default_factory=time.monotonic)


class TimedSource:
    """Reads metrics from one program that may be down. There is one thread at most, however long it takes."""

    def __init__(self, name: str, read: Read) -> None:
        self.name, self._read = name, read
        self._lock = threading.Lock()
        self._attempt: _Attempt | None = None

    def begin(self) -> Callable[[], Sequence[Metric] | None]:
        """Begin to read; the function that is returned waits for the result, which is None if none comes in time."""
        with self._lock:
            attempt = self._attempt
            if attempt is None or attempt.result.done():
                attempt = self._attempt = _Attempt()
                self._start(attempt)
        return lambda: _awaited(attempt)

    def _start(self, attempt: _Attempt) -> None:
        reading = threading.Thread(target=self._carry_out, args=(attempt,), name=f"scrape-{self.name}", daemon=True)
        try:
            reading.start()
        except RuntimeError:
            # The system has no room for a thread: the next scrape tries again.
            attempt.result.set_result(None)

    def _carry_out(self, attempt: _Attempt) -> None:
        found = None
        try:
            found = self._read()
        except _FAILURES:
            # The scrape says that the source is down; why, others log.
            pass
        finally:
            attempt.result.set_result(found)
            connections.close_all()


def _awaited(attempt: _Attempt) -> Sequence[Metric] | None:
    left = attempt.begun + PATIENCE_SECONDS - time.monotonic()
    try:
        return attempt.result.result(max(0.0, left))
    except NotInTimeError:
        return None
