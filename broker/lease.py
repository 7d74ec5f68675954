"""Leases, for work that one process of the fleet does at a time."""

from contextlib import suppress
from functools import cached_property

import redis
from redis.exceptions import LockError
from redis.lock import Lock

from broker.client import brief_client
from broker.installation import prefix


def lease_key(name: str) -> str:
    """The key that exists while a process holds the lease `name`."""
    return f"{prefix()}lease:{name}"


class Lease:
    """The right to do the work `name`, which ends `seconds` after the last `hold`. Not for several threads.

    Without Redis, the lease is not held.
    """

    def __init__(self, name: str, seconds: float) -> None:
        self._name, self._seconds = name, seconds

    @cached_property
    def _lock(self) -> Lock:
        lock: Lock = brief_client().lock(
            lease_key(self._name), timeout=self._seconds, blocking=False, thread_local=False
        )
        return lock

    def hold(self) -> bool:
        """Take the lease or prolong it; returns whether it is held."""
        try:
            return self._prolong() or bool(self._lock.acquire())
        except redis.RedisError:
            return False

    def _prolong(self) -> bool:
        try:
            return bool(self._lock.reacquire())
        except LockError:
            # It was never held, or has expired.
            return False

    def release(self, after_seconds: float = 0) -> None:
        """Give up the lease, now or `after_seconds`; until then no other process can take it."""
        with suppress(redis.RedisError):
            if after_seconds:
                self._lock.extend(after_seconds, replace_ttl=True)
            else:
                self._lock.release()
