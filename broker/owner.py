"""The claim to the installation's id: on one Redis, an id belongs to one database.

A key of the id holds the fingerprint of the database that claimed it. Every new connection looks at it, whichever
process makes it: nothing is sent to a Redis on which the id belongs to another database. A Redis that has lost the key
gets it back with the next connection, but not from a copy: the database notes where it was when it last claimed the id.
"""

import threading
from contextlib import suppress
from typing import Any

import redis
from django.conf import settings

from broker.installation import fingerprint, has_moved, installation_id, prefix, settle

# Set once this process has seen its database own the id.
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
    """The key that holds the fingerprint of the database.

    Raises:
        broker.installation.UnknownInstallationError
    """
    return f"{prefix()}database"


def hold(connection: Any) -> None:
    """Claim the id over `connection`, unless it is ours already.

    Raises:
        ForeignInstallationError
        broker.installation.UnknownInstallationError
        redis.RedisError
    """
    owner = _ask(connection, "GET", database_key())
    if owner is None:
        owner = _claim(connection)
    if owner not in (fingerprint().encode(), None):
        raise ForeignInstallationError
    if owner is not None:
        _has_held.set()


def _claim(connection: Any) -> bytes | None:
    """Who has the id afterwards: another process may be claiming it, too."""
    # Nobody else reaches a private Redis, so its data directory can be moved. A process that has held the id asks the
    # database no more: it may be silent, and every connection would wait for it.
    is_known = settings.REDIS_IS_PRIVATE or _has_held.is_set()
    if not is_known and has_moved():
        raise ForeignInstallationError
    key, ours = database_key(), fingerprint().encode()
    # Where Redis refuses to write, nobody else can claim the id either.
    with suppress(redis.ResponseError):
        _ask(connection, "SET", key, ours, "NX")
    owner: bytes | None = _ask(connection, "GET", key)
    if owner == ours and not is_known:
        settle()
    return owner


def take_over(server: redis.Redis) -> bool:
    """Give the id to our database, whoever has it; returns whether another one had it.

    Raises:
        broker.installation.UnknownInstallationError
        redis.RedisError
    """
    settle()
    ours = fingerprint()
    return server.set(database_key(), ours, get=True) not in (ours.encode(), None)


def _ask(connection: Any, *command: str | bytes) -> Any:
    connection.send_command(*command)
    return connection.read_response()
