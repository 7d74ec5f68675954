"""Ended sessions of the console are removed once a day, by every worker node: Django leaves that to its operator."""

import logging
import threading
from typing import Any

from celery.signals import worker_ready, worker_shutdown
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import Error as DatabaseError
from django.db import close_old_connections
from django.utils.module_loading import import_string

EVERY_SECONDS = 24 * 60 * 60.0

_log = logging.getLogger("udapi.manager")


class Sweeper:
    """Removes them when its process begins as a worker node, and then daily."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="sessions", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, without waiting for the database."""
        self._stopped.set()

    def _go_on(self) -> None:
        while not self._stopped.is_set():
            remove_ended()
            self._stopped.wait(EVERY_SECONDS)


def remove_ended() -> None:
    """Remove the sessions that have ended; a database that cannot do it now is asked again a day later."""
    store: type[SessionBase] = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
    try:
        store.clear_expired()
    except DatabaseError as error:
        _log.warning("ended sessions could not be removed: %s", error)
    finally:
        close_old_connections()


_sweeper = Sweeper()


@worker_ready.connect
def _start(**_: Any) -> None:
    _sweeper.start()


@worker_shutdown.connect
def _stop(**_: Any) -> None:
    _sweeper.stop()
