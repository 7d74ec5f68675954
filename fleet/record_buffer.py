"""Records of runs that wait in this process until Redis has them."""

import atexit
import logging
import threading
import time
import uuid
from collections import deque
from functools import cache

import redis

from broker.client import brief_client
from fleet import records, redis_keys
from fleet.record_scripts import RECORD
from fleet.records import Kept

FLUSH_SECONDS = 0.5
MOST_BYTES = 8 * 1024 * 1024
_PART_BYTES = 256 * 1024

_log = logging.getLogger("udapi.manager")


class RecordBuffer:
    """Numbers the records of this process and sends them to Redis within a second; safe for threads.

    While Redis cannot be reached, the newest `MOST_BYTES` are kept. What is dropped leaves a gap in the numbers, which
    whoever stores the records counts.
    """

    def __init__(self, source: str = "") -> None:
        self.source = source or uuid.uuid4().hex
        self._lock, self._wanted, self._sending = threading.Lock(), threading.Event(), threading.Lock()
        self._waiting: deque[tuple[bytes, bytes]] = deque()
        self._bytes = self._last_number = 0
        self._is_stuck = False
        self._thread: threading.Thread | None = None

    @property
    def last_number(self) -> int:
        return self._last_number

    @property
    def waiting_bytes(self) -> int:
        return self._bytes

    def numbered(self, kept: Kept) -> tuple[bytes, bytes]:
        """The frames of a record and its extras, under the next number."""
        record, extras = kept
        with self._lock:
            self._last_number += 1
            record.source, record.number = self.source, self._last_number
        return records.encode((record, extras))

    def add(self, *kept: Kept) -> None:
        """Send the records soon. Returns at once."""
        self.add_frames(*map(self.numbered, kept))

    def send(self, kept: Kept) -> None:
        """Send the record now. If Redis does not answer promptly, it is sent later."""
        frames = self.numbered(kept)
        try:
            RECORD.run(brief_client(), redis_keys.to_record(), *frames)
        except redis.RedisError:
            self.add_frames(frames)

    def add_frames(self, *frames: tuple[bytes, bytes]) -> None:
        """Send frames that are numbered already."""
        with self._lock:
            for frame in frames:
                self._waiting.append(frame)
                self._bytes += _size(frame)
            while self._bytes > MOST_BYTES:
                self._bytes -= _size(self._waiting.popleft())
            self._start()
        self._wanted.set()

    def _start(self) -> None:
        """Start the thread that sends, unless it runs."""
        if self._thread and self._thread.is_alive():
            return
        if self._thread is None:
            atexit.register(self.flush)
        self._thread = threading.Thread(target=self._send_on, name="records", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            # A run never harms a trigger.
            _log.exception("the thread for records cannot be started, the next record tries again")

    def flush(self) -> bool:
        """Send what waits; returns whether Redis has all of it."""
        with self._sending:
            while part := self._next_part():
                try:
                    RECORD.run(brief_client(), redis_keys.to_record(), *(piece for frames in part for piece in frames))
                except redis.RedisError as error:
                    if not self._is_stuck:
                        _log.warning("records of runs wait for the broker: %s", error)
                    self._is_stuck = True
                    return False
                self._is_stuck = False
                self._remove(part)
        return True

    def _send_on(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            # Records that come together go together.
            time.sleep(FLUSH_SECONDS)
            while not self.flush():
                time.sleep(FLUSH_SECONDS)

    def _next_part(self) -> list[tuple[bytes, bytes]]:
        part: list[tuple[bytes, bytes]] = []
        size = 0
        with self._lock:
            for frames in self._waiting:
                size += _size(frames)
                if part and size > _PART_BYTES:
                    break
                part.append(frames)
        return part

    def _remove(self, part: list[tuple[bytes, bytes]]) -> None:
        """Remove what was sent, unless it has been dropped meanwhile."""
        with self._lock:
            for frames in part:
                if self._waiting and self._waiting[0] is frames:
                    self._waiting.popleft()
                    self._bytes -= _size(frames)


def _size(frames: tuple[bytes, bytes]) -> int:
    return sum(map(len, frames))


@cache
def record_buffer() -> RecordBuffer:
    """That of this process, unless it is a worker node."""
    return RecordBuffer()
