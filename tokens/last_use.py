"""When a token was last used: noted in Redis by a trip that a trigger makes anyway, moved to the database here.

A worker node moves the notes once a minute, and when it ends. This is bookkeeping and no change of a token: no event,
no version, no author.
"""

import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import redis
from celery.signals import worker_ready, worker_shutdown
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.db.models import Q

from broker.client import client
from broker.last_use import LAST_USE_KEY
from tokens.models import ApiToken

EVERY_SECONDS = 60.0

# Of two nodes that take the notes at once, one gets them. What was used since keeps its newer note.
_GIVE_BACK = "for i = 1, #ARGV, 2 do redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1]) end"

_log = logging.getLogger("udapi.manager")


def move() -> int:
    """Move the notes from Redis to the database; how many tokens they were about.

    Raises:
        redis.RedisError: the broker is not reachable; the notes stay.
        django.db.Error: the database is not; the notes are given back.
    """
    notes = _take()
    try:
        for token_id, milliseconds in notes.items():
            _keep(UUID(token_id.decode()), int(milliseconds))
    except DatabaseError:
        client().eval(_GIVE_BACK, 1, LAST_USE_KEY, *(part for note in notes.items() for part in note))
        raise
    return len(notes)


def _take() -> Mapping[bytes, bytes]:
    pipeline = client().pipeline(transaction=True)
    pipeline.hgetall(LAST_USE_KEY)
    pipeline.delete(LAST_USE_KEY)
    notes: Mapping[bytes, bytes] = pipeline.execute()[0]
    return notes


def _keep(token_id: UUID, milliseconds: int) -> None:
    moment = datetime.fromtimestamp(milliseconds / 1_000, UTC)
    is_newer = Q(last_used__isnull=True) | Q(last_used__lt=moment)
    ApiToken._base_manager.filter(is_newer, pk=token_id).update(last_used=moment)


class Mover:
    """Moves the notes for as long as its process is a worker node."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._move_on, name="last-use", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Move what is left, and end."""
        self._stopped.set()
        self._thread.join(timeout=5.0)

    def _move_on(self) -> None:
        while not self._stopped.wait(EVERY_SECONDS):
            self._try()
        self._try()

    def _try(self) -> None:
        try:
            move()
        except (redis.RedisError, DatabaseError) as error:
            _log.warning("when tokens were last used is not known to the database yet: %s", error)
        finally:
            close_old_connections()


_mover = Mover()


@worker_ready.connect
def _start(**_: Any) -> None:
    _mover.start()


@worker_shutdown.connect
def _stop(**_: Any) -> None:
    _mover.stop()
