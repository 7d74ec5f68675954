"""A worker's connection to its broker: it reconnects within seconds and never shows the password."""

import logging
from typing import Any

from celery.app import events
from celery.events import EventDispatcher
from celery.exceptions import WorkerShutdown
from celery.worker import control
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown
from kombu.utils.url import maybe_sanitize_url

from broker.owner import ForeignInstallationError

LONGEST_INTERVAL_SECONDS = 3

_log = logging.getLogger("udapi.manager")


class PromptConsumer(Consumer):
    """Celery's consumer, but it tries to reconnect every few seconds. Celery's own waits for up to 30 s."""

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, however long it takes. Meanwhile the worker can be shut down."""
        conn.ensure_connection(
            _tell, interval_start=1, interval_step=1, interval_max=LONGEST_INTERVAL_SECONDS, callback=maybe_shutdown
        )
        return super().ensure_connected(conn)


class OnceDispatcher(EventDispatcher):
    """Sends each event once. Celery would repeat a heartbeat until Redis is back, and ignore signals until then."""

    def send(self, *arguments: Any, retry: bool = False, **fields: Any) -> Any:
        return super().send(*arguments, **fields)


class Events(events.Events):
    """Makes the application's event dispatchers."""

    dispatcher_cls = "fleet.consumer:OnceDispatcher"


def _tell(error: Exception, seconds: float) -> None:
    """Log why the broker cannot be reached.

    Raises:
        WorkerShutdown: the installation's id belongs to another database, so further attempts would fail, too.
    """
    if isinstance(error, ForeignInstallationError):
        _log.critical("%s", error)
        raise WorkerShutdown(1)
    _log.error("the broker is not reachable (%s), next attempt in %.0f s", error, seconds)


@control.inspect_command()
def stats(state: Any, **_: Any) -> dict[str, Any]:
    """Request worker statistics/information."""
    told: dict[str, Any] = state.consumer.controller.stats()
    # For a Unix socket, Celery shows the whole address, with the password.
    broker = told["broker"].items()
    return told | {"broker": {part: maybe_sanitize_url(it) if isinstance(it, str) else it for part, it in broker}}
