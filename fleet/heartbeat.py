"""The heartbeat of a worker node: tells the fleet that it is alive and which jobs it runs."""

import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
import redis

from broker.client import brief_client
from fleet import confinement, departures, lua, redis_frames, redis_keys
from foundation import __version__

HEARTBEAT_SECONDS = 2.0
HEARTBEAT_ENDS_AFTER_SECONDS = 6.0
# A restarted Redis knows no node until the next beat.
_RETRY_SECONDS = 0.5
# How long a node that leaves waits until Redis knows.
_FAREWELL_SECONDS = 1.0
# If the consumer's loop has not ticked for this long, the node leaves the fleet until it does.
_SILENCE_SECONDS = 5.0

_log = logging.getLogger("udapi.manager")


@dataclass(frozen=True, slots=True)
class NodeState:
    """What a heartbeat tells about a node.

    `limit` is how many triggers it runs at once, `jobs` are the ids of those that run now, `version` is the product's,
    `formats` are the job formats that it reads. A node that is not `is_consuming` has lost the broker's queue or cannot
    begin scripts. `confines` says whether its kernel keeps scripts away from files that are not theirs. `records` is
    the number of the last record that it has made, `worker` its name for Celery's remote control. `builds` says whether
    it installs packages; one that leaves does so no more.
    """

    id: int
    host: str
    limit: int
    since: str
    version: str = ""
    formats: tuple[int, ...] = ()
    is_consuming: bool = True
    jobs: tuple[str, ...] = ()
    confines: bool = False  # a node of an earlier release does not
    records: int = 0
    worker: str = ""
    builds: bool = False  # a node of an earlier release does not

    @property
    def running(self) -> int:
        return len(self.jobs)


class Heartbeat:
    """Tells Redis every two seconds that this node is alive, from the first tick of its consumer's loop until the end.

    The loop ticks once a second; each tick starts the thread that beats, if it does not run.
    """

    def __init__(self, node_id: int, limit: int, since: str, worker: str = "") -> None:
        self.last_record: Callable[[], int] = lambda: 0
        self._worker = worker
        self.instance = uuid.uuid4().hex
        self._node_id, self._limit, self._since = node_id, limit, since
        self._jobs: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._leaves = self._stopped = False
        self._consumes = True
        self._ticked_at = 0.0
        self.ends_at = 0.0
        """When the last heartbeat that Redis has confirmed ends, on the monotonic clock."""
        self._beating = threading.Lock()
        self._hurry, self._has_left = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def tick(self, *, is_consuming: bool = True) -> None:
        """Note that the consumer's loop is alive, and whether it takes triggers."""
        self._ticked_at, did_consume, self._consumes = time.monotonic(), self._consumes, is_consuming
        if is_consuming != did_consume:
            self._hurry.set()
        if self._stopped or (self._thread and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._live, name="heartbeat", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            _log.exception("the heartbeat's thread cannot be started, the next tick tries again")

    @property
    def is_leaving(self) -> bool:
        return self._leaves

    @property
    def has_joined(self) -> bool:
        """Whether the fleet knows of this node, be it that it takes no triggers yet."""
        return self.ends_at > 0

    @property
    def running_jobs(self) -> int:
        return len(self._jobs)

    def leave(self) -> None:
        """Tell the fleet that the node takes no more triggers; those that it runs are still answered."""
        self._leaves = True
        self._hurry.set()
        if not self._has_left.wait(_FAREWELL_SECONDS):
            _log.warning("the broker does not answer: this node's heartbeat will expire by itself")

    def stop(self) -> None:
        """Stop beating: nothing runs any more."""
        self._stopped = True
        self._hurry.set()

    @contextmanager
    def running(self, job_id: str, script_id: str, since: float) -> Iterator[None]:
        """Within this context the job runs on this node; `since` is on the monotonic clock."""
        with self._lock:
            self._jobs[job_id] = script_id, since
        try:
            yield
        finally:
            with self._lock:
                del self._jobs[job_id]

    def _live(self) -> None:
        try:
            self._beat_on()
        except Exception:
            _log.exception("the heartbeat failed and will be started again")
            raise

    def _beat_on(self) -> None:
        reachable = True
        while not self._stopped:
            try:
                self.beat()
                reachable = True
            except redis.RedisError as error:
                if reachable:
                    _log.warning("the broker is not reachable: %s", error)
                reachable = False
            self._hurry.wait(HEARTBEAT_SECONDS if reachable else _RETRY_SECONDS)
            self._hurry.clear()

    def beat(self) -> None:
        """Tell Redis now what this node does.

        Raises:
            redis.RedisError
        """
        # One thread at a time, so that an older state never replaces a newer one.
        with self._beating:
            sent_at = time.monotonic()
            self._beat()
            self.ends_at = sent_at + HEARTBEAT_ENDS_AFTER_SECONDS

    def _beat(self) -> None:
        # Ask for the time before the state is collected: the state must name every job that ran at this time.
        seconds, microseconds = brief_client().time()
        began = seconds * 1_000 + microseconds // 1_000
        leaves = self._leaves
        with self._lock:
            jobs = dict(self._jobs)
        lasts, state = int(HEARTBEAT_ENDS_AFTER_SECONDS * 1_000), msgspec.json.encode(self._state(tuple(jobs)))
        word = "stays" if self._is_consuming and not leaves else "leaves"
        what = (lasts, self.instance, state, word, began, self._limit, redis_frames.listed(redis_frames.READABLE))
        lua.BEAT.run(brief_client(), redis_keys.to_beat(self.instance), *what, *_elapsed(jobs))
        if leaves:
            self._has_left.set()
            departures.note(self._node_id, began)

    @property
    def _is_consuming(self) -> bool:
        return self._consumes and time.monotonic() - self._ticked_at < _SILENCE_SECONDS

    def _state(self, jobs: tuple[str, ...]) -> NodeState:
        return NodeState(
            id=self._node_id,
            host=socket.gethostname(),
            limit=self._limit,
            since=self._since,
            version=__version__,
            formats=redis_frames.READABLE,
            is_consuming=self._is_consuming,
            jobs=jobs,
            confines=confinement.is_enforced(),
            records=self.last_record(),
            worker=self._worker,
            builds=not self._leaves,
        )


def _elapsed(jobs: Mapping[str, tuple[str, float]]) -> Iterator[str]:
    """The script of each job and its milliseconds so far, in turn."""
    now = time.monotonic()
    for script_id, since in jobs.values():
        yield script_id
        yield str(int((now - since) * 1_000))
