"""How a worker node finds a broker again."""

from typing import Any

from celery.app.amqp import AMQP
from kombu import Connection

LONGEST_INTERVAL_SECONDS = 3


class _Connection(Connection):
    """A connection that is tried again soon: Celery's own would in the end look only every 30 seconds."""

    def _ensure_connection(self, *args: Any, **kwargs: Any) -> Any:
        return super()._ensure_connection(
            *args, **{"interval_start": 1, "interval_max": LONGEST_INTERVAL_SECONDS} | kwargs
        )


class Amqp(AMQP):
    """Celery's part that makes connections."""

    Connection = _Connection
