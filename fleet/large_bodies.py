"""Large bodies of jobs, which have keys of their own: a Lua script would copy them twice."""

from contextlib import suppress
from typing import Any

import redis

from broker.client import brief_client, reply_seconds, shed
from broker.connections import ask
from fleet import redis_keys
from fleet.reply import GRACE_MILLISECONDS

SMALL_BYTES = 64 * 1024
"""A larger body is not part of its ticket."""


def set_aside(connection: Any, job_id: str, body: bytes, milliseconds: int) -> None:
    """Send a body ahead of its job, which may wait for `milliseconds`.

    Raises:
        redis.RedisError
    """
    ask(connection, "SET", redis_keys.body(job_id), body, "PX", milliseconds + GRACE_MILLISECONDS)


def taken(connection: Any, job_id: str) -> bytes | None:
    """Take the body out of Redis; None if it is gone.

    Raises:
        redis.RedisError
    """
    body: bytes | None = ask(connection, "GETDEL", redis_keys.body(job_id), seconds=reply_seconds())
    shed(connection, body)
    return body


def drop(job_id: str) -> None:
    """Remove a body whose job Redis has refused."""
    with suppress(redis.RedisError):
        brief_client().delete(redis_keys.body(job_id))
