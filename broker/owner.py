"""The claim to the installation's id: on one Redis, an id belongs to one database.

A key holds the fingerprint of the database that claimed the id. Every new connection checks it, so nothing is sent to a
Redis on which the id belongs to another database. A Redis that has lost the key gets it back with the next connection,
but not from a copy: the database notes its place when it claims the id.
"""

import threading
from contextlib import suppress
from typing import Any

import redis
from django.conf import settings

from broker.connections import ask
from broker.installation import fingerprint, has_moved, installation_id, prefix, settle

# Set when this process has seen that its database owns the id.
_has_held = threading.Event()


class ForeignInstallationError(redis.ConnectionError):
    """The id belongs to another database on this Redis. The text says what to do."""

    def __init__(self) -> None:
        super().__init__(
            f"The installation {installation_id()} belongs to another database: "
            "set UDAPI_INSTALLATION to another id if this one is a copy, "
            "or run `manage.py take_over_installation` if this one has moved or replaces it."
        )


def database_key() -> str:
    """The key that holds the fingerprint of the owner.

    Raises:
        broker.installation.UnknownInstallationError
    """
    return f"{prefix()}database"


def hold(connection: Any) -> None:
    """Claim the id over `connection`, unless this database owns it already.

    Raises:
        ForeignInstallationError
        broker.installation.UnknownInstallationError
        redis.RedisError
    """
    owner = ask(connection, "GET", database_key())
    if owner is None:
        owner = _claim(connection)
    if owner not in (fingerprint().encode(), None):
        raise ForeignInstallationError
    if owner is not None:
        _has_held.set()


def _claim(connection: Any) -> bytes | None:
    """Claim the id and return its owner: another process may be claiming it, too."""
    # No other installation uses a private Redis, so its data directory may be moved. A process that has held the id
    # does not ask the database again: if the database is silent, every connection would wait for it.
    is_known = settings.REDIS_IS_PRIVATE or _has_held.is_set()
    if not is_known and has_moved():
        raise ForeignInstallationError
    key, ours = database_key(), fingerprint().encode()
    # If Redis refuses to write, no other database can claim the id either.
    with suppress(redis.ResponseError):
        ask(connection, "SET", key, ours, "NX")
    owner: bytes | None = ask(connection, "GET", key)
    if owner == ours and not is_known:
        settle()
    return owner


def take_over(server: redis.Redis) -> bool:
    """Give the id to this database, whichever owns it; returns whether another one did.

    Raises:
        broker.installation.UnknownInstallationError
        redis.RedisError
    """
    settle()
    ours = fingerprint()
    return server.set(database_key(), ours, get=True) not in (ours.encode(), None)
