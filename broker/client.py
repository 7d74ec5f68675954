"""The one Redis client of a process."""

from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

# Longer than any BLPOP waits at a stretch, short enough for a broker that has fallen silent.
SOCKET_TIMEOUT_SECONDS = 10.0
CONNECT_TIMEOUT_SECONDS = 0.8
# More than a process has threads; each waiting trigger needs one connection.
MAX_CONNECTIONS = 8_192


@cache
def client() -> redis.Redis:
    """The client of this process, shared by its threads; answers are bytes.

    Nothing is retried on its own: a claim, a pop or a count that is repeated after a lost answer would
    happen twice. A pooled connection that the server has closed is noticed and replaced when it is taken.
    """
    pool = redis.ConnectionPool.from_url(
        settings.REDIS_URL,
        max_connections=MAX_CONNECTIONS,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        **({} if settings.REDIS_URL.startswith("unix:") else {"socket_keepalive": True}),
    )
    return redis.Redis(connection_pool=pool)
