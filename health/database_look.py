"""Whether the database answers, asked over a connection of its own: those of the pool may all be in use."""

import select
import time
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.db import Error as DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

# Needs the product's tables, unlike `SELECT 1`, for which SQLite does not even open its file.
_QUERY: Final = "SELECT 1 FROM broker_installation"
_SECONDS: Final = 2


class DatabaseLook:
    """Looks over a connection that stays open, for one thread at a time."""

    def __init__(self) -> None:
        self._own: BaseDatabaseWrapper | None = None

    def __call__(self) -> str:
        """Why the database is of no use; empty if it answers."""
        try:
            if self._own is None:
                self._ask()
            else:
                self._ask_again()
        except (DatabaseError, OSError) as error:
            self._close()
            return "the database does not answer: " + str(error).strip().partition("\n")[0]
        return ""

    def _ask_again(self) -> None:
        """Ask, if need be over a new connection: the server may have been restarted since the last look."""
        try:
            self._ask()
        except (OperationalError, InterfaceError):
            self._close()
            self._ask()

    def _ask(self) -> None:
        if self._own is None:
            self._own = _connected()
        with self._own.wrap_database_errors:
            if self._own.vendor == "postgresql":
                _ask_in_time(self._own.connection.pgconn)
            else:
                self._own.create_cursor().execute(_QUERY).fetchone()

    def _close(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            own.close()


def _connected() -> BaseDatabaseWrapper:
    own = connections[DEFAULT_DB_ALIAS].copy()
    own.inc_thread_sharing()
    options = own.settings_dict["OPTIONS"]
    if own.vendor == "postgresql":
        options.pop("pool", None)
        options |= {"connect_timeout": _SECONDS, "tcp_user_timeout": _SECONDS * 1_000}
    else:
        options["timeout"] = _SECONDS
    with own.wrap_database_errors:
        own.connect()
    return own


def _ask_in_time(libpq: Any) -> None:
    """Ask over a connection of libpq, which itself would wait for ever for a proxy that has lost its server."""
    libpq.send_query(_QUERY.encode())
    poll, ends_at = select.poll(), time.monotonic() + _SECONDS
    poll.register(libpq.socket, select.POLLIN)
    while libpq.is_busy():
        if not poll.poll(max(0.0, ends_at - time.monotonic()) * 1_000):
            raise OperationalError("no answer in time")
        libpq.consume_input()
    while (result := libpq.get_result()) is not None:
        if result.error_message:
            raise OperationalError(result.error_message.decode(errors="replace"))
