"""When a token was last used: each trigger notes it in Redis, and a periodic task moves it to the database.

This does not count as a change of the token: it has no event, revision or author.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import redis
from celery import shared_task
from celery.signals import worker_shutdown
from django.db import Error as DatabaseError
from django.db.models import Q

from broker.client import client
from broker.installation import last_use_key
from tokens.models import ApiToken

_log = logging.getLogger("udapi.manager")

# Tokens used since then keep their newer note. If two nodes take the notes at once, only one gets them.
_GIVE_BACK = "for i = 1, #ARGV, 2 do redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1]) end"


@shared_task
def move_last_use() -> None:
    """Move the notes from Redis to the database; those that cannot be moved now are moved the next time."""
    try:
        move()
    except (redis.RedisError, DatabaseError) as error:
        _log.warning("when tokens were last used is not in the database yet: %s", error)


@worker_shutdown.connect
def _move_the_rest(**_: Any) -> None:
    """An embedded Redis ends with the stack, and would take the remaining notes with it."""
    move_last_use()


def move() -> int:
    """Returns the number of tokens.

    Raises:
        redis.RedisError: Redis is not reachable; the notes stay there.
        django.db.Error: the database is not reachable; the notes are returned to Redis.
    """
    pipeline = client().pipeline(transaction=True)
    pipeline.hgetall(last_use_key())
    pipeline.delete(last_use_key())
    notes: Mapping[bytes, bytes] = pipeline.execute()[0]
    try:
        for token_id, milliseconds in notes.items():
            _keep(UUID(token_id.decode()), int(milliseconds))
    except DatabaseError:
        client().eval(_GIVE_BACK, 1, last_use_key(), *(part for note in notes.items() for part in note))
        raise
    return len(notes)


def _keep(token_id: UUID, milliseconds: int) -> None:
    moment = datetime.fromtimestamp(milliseconds / 1_000, UTC)
    is_newer = Q(last_used__isnull=True) | Q(last_used__lt=moment)
    ApiToken._base_manager.filter(is_newer, pk=token_id).update(last_used=moment)
