"""Worker nodes: a stable number each, and a heartbeat that says which are alive."""

import fcntl
import json
import logging
import socket
import threading
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import IO, cast

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import IntegrityError, models, transaction

from automation import confinement
from automation.models import WorkerNode
from automation.queue import NODES_KEY, state_key
from broker.client import client

HEARTBEAT_SECONDS = 2.0
HEARTBEAT_ENDS_AFTER_SECONDS = 6.0
# A broker that was away knows no node until the next beat.
_RETRY_SECONDS = 0.5

# The first write frees memory, so that a full one refuses none of them.
_BEAT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - 60000))
if ARGV[4] == 'leaves' then
  redis.call('ZREM', KEYS[1], ARGV[2])
else
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[1]), ARGV[2])
end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[1])
"""

_log = logging.getLogger("udapi.manager")


@dataclass(frozen=True)
class NodeState:
    """What a heartbeat tells of a node: its id, host, limit of triggers at once and how many run now.

    `confines` says whether its kernel keeps scripts away from files that are not theirs.
    """

    id: int
    host: str
    limit: int
    running: int
    since: str
    confines: bool = False  # a node of an earlier release does not


class NodeSlot:
    """The number of a worker node of this machine, held as long as the process lives.

    The first worker of a data directory gets the machine's own number, a further one the next slot's. With
    `UDAPI_NODE_ID` every worker goes by that.
    """

    def __init__(self) -> None:
        self._lock: IO[str] | None = None
        self.id = settings.UDAPI_NODE_ID or self._claim()
        _remember(self.id)

    def _claim(self) -> int:
        for file in _slot_files():
            lock = file.with_suffix(".lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            self._lock = lock
            return _stored_id(file)
        raise AssertionError("slots never end")


def machine_id() -> int:
    """The number of this machine, assigned once: the endpoint's own, and its first worker's.

    While it cannot be found out it is 0, so that an error can be told even without a database.
    """
    try:
        return _machine_id()
    except (DatabaseError, OSError):
        _log.exception("the number of this machine cannot be read")
        return settings.UDAPI_NODE_ID or 0


@cache
def _machine_id() -> int:
    if settings.UDAPI_NODE_ID:
        _remember(settings.UDAPI_NODE_ID)
        return int(settings.UDAPI_NODE_ID)
    return _stored_id(next(_slot_files()))


def _slot_files() -> Iterator[Path]:
    directory: Path = settings.DATA_DIR.nodes_dir
    directory.mkdir(parents=True, exist_ok=True)
    number = 0
    while True:
        number += 1
        yield directory / f"node-{number}"


def _stored_id(file: Path) -> int:
    """The id in `file`, assigned now if there is none; processes that start together wait for each other."""
    with file.open("a+") as content:
        fcntl.flock(content, fcntl.LOCK_EX)
        content.seek(0)
        text = content.read().strip()
        if text:
            return int(text)
        number = _assign()
        content.write(f"{number}\n")
        return number


def _assign() -> int:
    while True:
        highest = WorkerNode.objects.aggregate(highest=models.Max("id"))["highest"] or 0
        try:
            with transaction.atomic():
                return WorkerNode.objects.create(id=highest + 1, host=socket.gethostname()).id
        except IntegrityError:
            continue  # Another machine took the number at the same moment.


def _remember(number: int) -> None:
    WorkerNode.objects.get_or_create(id=number, defaults={"host": socket.gethostname()})


class Heartbeat:
    """Tells Redis every two seconds that the node `instance` lives, until it is stopped."""

    def __init__(self, node_id: int, limit: int, since: str) -> None:
        self.instance = uuid.uuid4().hex
        self._node_id, self._limit, self._since = node_id, limit, since
        self._running = 0
        self._count_lock, self._beat_lock = threading.Lock(), threading.Lock()
        self._leaves = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin; the first beat is sent at once."""
        self._thread.start()

    @property
    def is_leaving(self) -> bool:
        """Whether the node takes no more triggers."""
        return self._leaves

    def leave(self) -> None:
        """Say that the node takes no more triggers; those that it runs are still answered."""
        self._leaves = True
        try:
            self._beat()
        except redis.RedisError:
            _log.warning("the broker is not reachable, this node's heartbeat ends by itself")

    def stop(self) -> None:
        """Nothing runs any more."""
        self._stopped.set()

    def count(self, change: int) -> None:
        """A run began (+1) or ended (-1)."""
        with self._count_lock:
            self._running += change

    def _beat_on(self) -> None:
        reachable = True
        while not self._stopped.is_set():
            try:
                self._beat()
                reachable = True
            except redis.RedisError as error:
                if reachable:
                    _log.warning("the broker is not reachable: %s", error)
                reachable = False
            self._stopped.wait(HEARTBEAT_SECONDS if reachable else _RETRY_SECONDS)

    def _beat(self) -> None:
        host = socket.gethostname()
        state = NodeState(self._node_id, host, self._limit, self._running, self._since, confinement.is_enforced())
        milliseconds = str(int(HEARTBEAT_ENDS_AFTER_SECONDS * 1_000))
        keys = (NODES_KEY, state_key(self.instance))
        # A beat that is under way must not undo the one that says farewell.
        with self._beat_lock:
            word = "leaves" if self._leaves else "stays"
            client().eval(_BEAT, 2, *keys, milliseconds, self.instance, json.dumps(asdict(state)), word)


def alive() -> list[NodeState]:
    """The worker nodes whose heartbeat goes on, by id.

    Raises:
        redis.RedisError: the broker is not reachable.
    """
    instances = [cast(bytes, instance).decode() for instance in client().zrange(NODES_KEY, 0, -1)]
    states = client().mget([state_key(instance) for instance in instances]) if instances else []
    return sorted((parse_state(state) for state in states if state), key=lambda node: node.id)


def parse_state(state: bytes | str) -> NodeState:
    """What stands under a node's `state_key`; a node of a later release may say more."""
    known = {field.name for field in fields(NodeState)}
    return NodeState(**{name: value for name, value in json.loads(state).items() if name in known})
