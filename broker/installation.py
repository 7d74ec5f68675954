"""The installation that this process belongs to: its id, the prefix of its names in Redis, and its database.

This needs only Django's settings, so it works before Django is set up. A process reads id and fingerprint once.
"""

import hashlib
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import ProgrammingError, connection

# Short, because it need not be unique: `broker/owner.py` refuses a second database with the same id.
_ID_BYTES: Final = 4
# How long the database may take to answer, and how long a thread waits for its turn to ask.
_SECONDS: Final = 5

_READ: Final = "SELECT identifier, home FROM broker_installation WHERE key = 1"
_MAKE: Final = "INSERT INTO broker_installation (key, identifier, home) VALUES (1, %s, '') ON CONFLICT DO NOTHING"
_SETTLE: Final = "UPDATE broker_installation SET home = %s WHERE key = 1"
_MACHINE_ID: Final = Path("/etc/machine-id")
_HERE: Final = ("", "localhost", "127.0.0.1", "::1")


# At the start, many threads need the same answer; without the lock, each would open a connection.
_asking = threading.Lock()


class UnknownInstallationError(redis.ConnectionError):
    """The database does not tell the installation's id. Without it no key has a name, so Redis cannot be used."""


@cache
def prefix() -> str:
    """The beginning of the name of every key, queue and channel of this installation.

    Raises:
        UnknownInstallationError
    """
    return f"udapi:{installation_id()}:"


def last_use_key() -> str:
    """Hash: id of a token → when it was last admitted (milliseconds, Redis' clock), until the database notes that."""
    return f"{prefix()}last-use"


@cache
def installation_id() -> str:
    """`UDAPI_INSTALLATION`, or else the id in the database, which is created now if there is none.

    Raises:
        UnknownInstallationError
    """
    return str(settings.UDAPI_INSTALLATION or _row()[0])


@cache
def fingerprint() -> str:
    """A digest of what distinguishes the database from a copy of it; it reveals no name.

    Raises:
        UnknownInstallationError
    """
    marks = _marks_of_postgresql() if connection.vendor == "postgresql" else _marks_of_file()
    return _digest(marks)


def has_moved() -> bool:
    """Whether the database last used the id on this Redis from another place: it was moved, or is a copy.

    Raises:
        UnknownInstallationError
    """
    home = _row()[1]
    return home.startswith(_claimed()) and home != _place()


def settle() -> None:
    """Note that the database uses the id on this Redis from its present place.

    Raises:
        UnknownInstallationError
    """
    if _row()[1] != _place():
        with _cursor() as cursor:
            cursor.execute(_SETTLE, [_place()])


def _place() -> str:
    return _claimed() + fingerprint()


def _claimed() -> str:
    """What is claimed: the id, and a digest of the address of this Redis."""
    url = urlsplit(settings.REDIS_URL)
    is_socket = url.scheme == "unix"
    machine = _machine_id() if is_socket or url.hostname in _HERE else ""
    address = (machine, str(url.hostname), str(url.port), url.path, url.query if is_socket else "")
    return f"{installation_id()} {_digest(address)} "


def _digest(marks: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(marks).encode()).hexdigest()


def _row() -> tuple[str, str]:
    """The id in the database, and the place where it was last used; the row is created now if there is none."""
    with _cursor() as cursor:
        row = cursor.execute(_READ).fetchone()
        if row is None:
            # If several processes find none, only one of them creates it.
            cursor.execute(_MAKE, [secrets.token_hex(_ID_BYTES)])
            row = cursor.execute(_READ).fetchone()
    return str(row[0]), str(row[1])


def _marks_of_postgresql() -> tuple[str, ...]:
    """A restored dump differs in the first mark; a copy of the server's files differs in the address."""
    database = connection.settings_dict
    host = str(database["HOST"])
    is_here = host in _HERE or host.startswith("/")
    address = (host, str(database["PORT"] or 5432), str(database["NAME"]), _machine_id() if is_here else "")
    return (_system_identifier(), *address)


def _system_identifier() -> str:
    """The identifier of the database server; empty if the role may not read it."""
    try:
        with _cursor() as cursor:
            cursor.execute("SELECT system_identifier FROM pg_control_system()")
            return str(cursor.fetchone()[0])
    except UnknownInstallationError as error:
        if isinstance(error.__cause__, ProgrammingError):
            return ""
        raise


def _marks_of_file() -> tuple[str, ...]:
    file = Path(connection.settings_dict["NAME"]).resolve()
    try:
        return _machine_id(), str(file), str(file.stat().st_ino)
    except OSError as error:
        raise UnknownInstallationError(f"the database cannot be found: {error.strerror}") from error


def _machine_id() -> str:
    return _MACHINE_ID.read_text().strip() if _MACHINE_ID.is_file() else ""


@contextmanager
def _cursor() -> Iterator[Any]:
    """A cursor on a connection of its own: that of the thread may be in a transaction.

    Raises:
        UnknownInstallationError: the database did not answer.
    """
    own = connection.copy()
    # A pool that was made before a fork cannot be used after it.
    if own.settings_dict["OPTIONS"].pop("pool", None):
        own.settings_dict["OPTIONS"] |= {"connect_timeout": _SECONDS, "tcp_user_timeout": _SECONDS * 1_000}
    try:
        with _one_at_a_time(), own.wrap_database_errors:
            own.connect()
            # Django's own cursor would warn if Django is not set up.
            yield own.create_cursor()
    except DatabaseError as error:
        first_line = str(error).strip().partition("\n")[0]
        raise UnknownInstallationError(f"the database does not tell the installation's id: {first_line}") from error
    finally:
        own.close()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Raises UnknownInstallationError: the database keeps another thread waiting."""
    if not _asking.acquire(timeout=_SECONDS):
        raise UnknownInstallationError("the database does not tell the installation's id: it does not answer")
    try:
        yield
    finally:
        _asking.release()
