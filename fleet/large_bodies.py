"""The body of a job that is too large for its ticket: within a script Redis would copy it twice."""

from contextlib import suppress
from typing import Any

import redis

from broker.client import brief_client, reply_seconds, shed
from fleet import redis_keys
from fleet.reply import GRACE_MILLISECONDS

SMALL_BYTES = 64 * 1024
"""A larger body has a key of its own."""


def set_aside(connection: Any, job_id: str, body: bytes, milliseconds: int) -> None:
    """Send a body ahead of its job, which may wait for `milliseconds`.

    Raises:
        redis.RedisError.
    """
    connection.send_command("SET", redis_keys.body(job_id), body, "PX", milliseconds + GRACE_MILLISECONDS)
    connection.read_response()


def taken(connection: Any, job_id: str) -> bytes | None:
    """The body, which Redis then no longer has; None if it is gone.

    Raises:
        redis.RedisError.
    """
    connection.send_command("GETDEL", redis_keys.body(job_id))
    body: bytes | None = connection.read_response(timeout=reply_seconds())
    shed(connection, body)
    return body


def drop(job_id: str) -> None:
    """Free the memory of a body whose job Redis refused."""
    with suppress(redis.RedisError):
        brief_client().delete(redis_keys.body(job_id))
