"""The runs of a worker node that go on now: who may cancel them, what they have logged, and how others see them."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import redis

from broker.client import brief_client
from fleet import records, redis_keys
from fleet.cancellation import cancelled_by
from fleet.records import MOST_SAID, Kept, RunRecord
from fleet.run_log import LiveLog
from foundation.times import now_milliseconds
from foundation.value_masks import ValueMasks
from hosts.cancel_signal import CancelSignal
from hosts.jobs import HostResult, Outcome

PUBLISHED_AFTER_SECONDS = 0.5
"""Shorter runs are over before anybody could look at them."""

_TICK_SECONDS = 0.5
_LOG_KEPT_SECONDS = 60

_log = logging.getLogger("udapi.manager")


@dataclass(eq=False)
class LiveRun:
    """A run, or a subscript that another run waits for: it has the `signal` of that run.

    `done` holds the records of subscripts that it has waited for. `masks` are those of all of them.
    """

    record: RunRecord
    signal: CancelSignal
    leaves_record: bool = True
    not_kept_warm: str = ""
    cancelled_by: str = ""
    log: LiveLog = field(default_factory=LiveLog)
    done: list[Kept] = field(default_factory=list)
    began_at: float = field(default_factory=time.monotonic)
    published_lines: int = 0
    masks: ValueMasks = field(default_factory=ValueMasks, repr=False)

    @property
    def is_lasting(self) -> bool:
        return time.monotonic() - self.began_at > PUBLISHED_AFTER_SECONDS

    def say(self, text: str) -> bool:
        """Note an information event; returns False if the run has left as many as it may."""
        if len(self.record.said) >= MOST_SAID:
            return False
        self.record.said = [*self.record.said, (now_milliseconds(), text)]
        return True

    def told(self, result: HostResult) -> HostResult:
        """Note the result, and return it; if the run was cancelled, it says by whom."""
        self.not_kept_warm, self.record.credentials_used = result.not_kept_warm, result.credentials_used
        if result.outcome is not Outcome.CANCELLED:
            return result
        return replace(result, message=cancelled_by(self.cancelled_by))


class LiveRuns:
    """Keeps account of what this node runs, and tells Redis about what takes longer than a moment. Safe for threads."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._runs: dict[str, LiveRun] = {}
        self._published: dict[str, LiveRun] = {}
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def running(self, run: LiveRun) -> Iterator[LiveRun]:
        """Within this context, the run goes on and can be cancelled."""
        run.signal.begin(run.record.id)
        with self._lock:
            self._runs[run.record.id] = run
        try:
            yield run
        finally:
            with self._lock:
                del self._runs[run.record.id]
            run.signal.settle(run.record.id)

    def find(self, run_id: str) -> LiveRun | None:
        return self._runs.get(run_id)

    def cancel(self, run_id: str, by: str = "") -> bool:
        """End the run, and everything that its script has started; returns whether it goes on here."""
        run = self.find(run_id)
        if run is None:
            return False
        run.cancelled_by = by
        return run.signal.cancel(run_id)

    def tick(self) -> None:
        """Start the thread that tells Redis, unless it runs."""
        if self._stopped.is_set() or (self._thread and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._publish_on, name="live-runs", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            _log.exception("the thread for live runs cannot be started, the next tick tries again")

    def stop(self) -> None:
        self._stopped.set()

    def _publish_on(self) -> None:
        while not self._stopped.wait(_TICK_SECONDS):
            try:
                self.publish()
            except redis.RedisError as error:
                _log.debug("the broker is not reachable, live runs are not shown: %s", error)
                self._forget_published()

    def publish(self) -> None:
        """Tell Redis which runs go on, and what they have logged since the last time.

        Raises:
            redis.RedisError
        """
        with self._lock:
            runs = dict(self._runs)
        shown = {key: run for key, run in runs.items() if run.leaves_record and run.is_lasting}
        over = {key: run for key, run in self._published.items() if key not in shown}
        # Of a run that is over, the last lines.
        told = shown | over
        if not told:
            return
        with brief_client().pipeline(transaction=False) as pipeline:
            if over:
                pipeline.hdel(redis_keys.live_runs(), *over)
            for key, run in shown.items():
                pipeline.hset(redis_keys.live_runs(), key, self._entry(run))
            lengths = {key: self._publish_log(pipeline, key, run) for key, run in told.items()}
            results = pipeline.execute()
        self._published = shown
        for key, (place, length) in lengths.items():
            # A Redis that has restarted meanwhile has the new lines only: next time, it gets all.
            told[key].published_lines = length if results[place] == length else 0

    def _publish_log(self, pipeline: Any, run_id: str, run: LiveRun) -> tuple[int, int]:
        """Append what is new; returns where in the results is how many lines Redis has, and how many it should have."""
        log, start = redis_keys.live_log(run_id), run.published_lines
        if not start:
            pipeline.delete(log)
        if lines := run.log.lines(start):
            pipeline.rpush(log, *lines)
        pipeline.expire(log, _LOG_KEPT_SECONDS)
        pipeline.llen(log)
        return len(pipeline) - 1, start + len(lines)

    def _forget_published(self) -> None:
        """A restarted Redis has nothing of it."""
        with self._lock:
            for run in (*self._runs.values(), *self._published.values()):
                run.published_lines = 0

    def _entry(self, run: LiveRun) -> bytes:
        frame, _ = records.encode((run.record, None))
        return f"{self._instance} ".encode() + frame
