"""The heartbeat of a worker node: tells the others that it is alive, and what it does."""

import logging
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
import redis

from broker.client import LuaScript, client
from fleet import confinement, redis_keys
from udapi_site import __version__

HEARTBEAT_SECONDS = 2.0
HEARTBEAT_ENDS_AFTER_SECONDS = 6.0
# A restarted Redis knows no node until the next beat.
_RETRY_SECONDS = 0.5
# How long a node that leaves waits for Redis to hear it.
_FAREWELL_SECONDS = 1.0
# If the consumer's loop has not ticked for this long, the node says that it takes no messages.
_SILENCE_SECONDS = 5.0

# Redis allows ZREMRANGEBYSCORE when its memory is full, and then every later write of the script. A node that takes no
# triggers is not among the nodes; its state tells what it still runs.
_BEAT = LuaScript("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - 60000))
if ARGV[4] == 'leaves' then
  redis.call('ZREM', KEYS[1], ARGV[2])
else
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[1]), ARGV[2])
end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[1])
""")

_log = logging.getLogger("udapi.manager")


@dataclass(frozen=True, slots=True)
class NodeState:
    """What a heartbeat tells of a node.

    `limit` is how many triggers it runs at once, `jobs` are the ids of those that run now, `version` is the product's.
    A node that is not `is_consuming` has lost the broker's queue. `confines` says whether its kernel keeps scripts away
    from files that are not theirs.
    """

    id: int
    host: str
    limit: int
    since: str
    version: str = ""
    is_consuming: bool = True
    jobs: tuple[str, ...] = ()
    confines: bool = False  # a node of an earlier release does not

    @property
    def running(self) -> int:
        """How many triggers run now."""
        return len(self.jobs)


class Heartbeat:
    """Tells Redis every two seconds that this node lives, from the first tick of its consumer's loop until the end.

    The loop ticks once a second, and so looks after the thread that beats.
    """

    def __init__(self, node_id: int, limit: int, since: str) -> None:
        self.instance = uuid.uuid4().hex
        self._node_id, self._limit, self._since = node_id, limit, since
        self._jobs: set[str] = set()
        self._lock = threading.Lock()
        self._leaves = self._stopped = False
        self._consumes = True
        self._ticked_at = 0.0
        self._hurry, self._has_left = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def tick(self, *, is_consuming: bool = True) -> None:
        """The consumer's loop is well, and takes triggers or not. The thread that beats is started if none lives."""
        self._ticked_at, self._consumes = time.monotonic(), is_consuming
        if self._stopped or (self._thread and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._live, name="heartbeat", daemon=True)
        self._thread.start()

    @property
    def is_leaving(self) -> bool:
        """Whether the node takes no more triggers."""
        return self._leaves

    def leave(self) -> None:
        """Say that the node takes no more triggers; those that it runs are still answered."""
        self._leaves = True
        self._hurry.set()
        if not self._has_left.wait(_FAREWELL_SECONDS):
            _log.warning("the broker does not answer, this node's heartbeat ends by itself")

    def stop(self) -> None:
        """Nothing runs any more."""
        self._stopped = True
        self._hurry.set()

    @contextmanager
    def running(self, job_id: str) -> Iterator[None]:
        """Meanwhile the job runs on this node."""
        with self._lock:
            self._jobs.add(job_id)
        try:
            yield
        finally:
            with self._lock:
                self._jobs.discard(job_id)

    def _live(self) -> None:
        try:
            self._beat_on()
        except Exception:
            _log.exception("the heartbeat failed, it begins again")
            raise

    def _beat_on(self) -> None:
        reachable = True
        while not self._stopped:
            try:
                self._beat()
                reachable = True
            except redis.RedisError as error:
                if reachable:
                    _log.warning("the broker is not reachable: %s", error)
                reachable = False
            self._hurry.wait(HEARTBEAT_SECONDS if reachable else _RETRY_SECONDS)
            self._hurry.clear()

    def _beat(self) -> None:
        milliseconds = int(HEARTBEAT_ENDS_AFTER_SECONDS * 1_000)
        keys = (redis_keys.NODES, redis_keys.node(self.instance))
        leaves = self._leaves
        word = "leaves" if leaves or not self._consumes else "stays"
        _BEAT.run(client(), keys, milliseconds, self.instance, msgspec.json.encode(self._state()), word)
        if leaves:
            self._has_left.set()

    def _state(self) -> NodeState:
        with self._lock:
            jobs = tuple(self._jobs)
        is_consuming = self._consumes and time.monotonic() - self._ticked_at < _SILENCE_SECONDS
        return NodeState(
            id=self._node_id,
            host=socket.gethostname(),
            limit=self._limit,
            since=self._since,
            version=__version__,
            is_consuming=is_consuming,
            jobs=jobs,
            confines=confinement.is_enforced(),
        )
