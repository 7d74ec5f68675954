"""The periodic task of tokens."""

import logging
from typing import Any

import redis
from celery import shared_task
from celery.signals import worker_shutdown
from django.db import Error as DatabaseError

from tokens.last_use import move

_log = logging.getLogger("udapi.manager")


@shared_task
def move_last_use() -> None:
    """Move to the database when tokens were last used; what cannot be moved now waits for the next time."""
    try:
        move()
    except (redis.RedisError, DatabaseError) as error:
        _log.warning("when tokens were last used is not in the database yet: %s", error)


@worker_shutdown.connect
def _move_the_rest(**_: Any) -> None:
    """An embedded Redis ends with the stack, and with it what was not moved."""
    move_last_use()
