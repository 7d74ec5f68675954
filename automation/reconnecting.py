"""How a worker node connects to a broker, and finds it again."""

from typing import Any

from celery.app.amqp import AMQP
from kombu import Connection
from kombu.transport import redis

from broker.tls import VerifiedConnection

LONGEST_INTERVAL_SECONDS = 3


class _VerifiedChannel(redis.Channel):
    connection_class_ssl = VerifiedConnection


class _VerifiedTransport(redis.Transport):
    """The transport of `rediss://`."""

    Channel = _VerifiedChannel


class _Connection(Connection):
    """A connection that is tried again soon: Celery's own would in the end look only every 30 seconds."""

    def get_transport_cls(self) -> Any:
        """Kombu's, but for `rediss://` one that verifies the server."""
        return _VerifiedTransport if self.transport_cls == "rediss" else super().get_transport_cls()

    def _ensure_connection(self, *args: Any, **kwargs: Any) -> Any:
        return super()._ensure_connection(
            *args, **{"interval_start": 1, "interval_max": LONGEST_INTERVAL_SECONDS} | kwargs
        )


class Amqp(AMQP):
    """Celery's part that makes connections."""

    Connection = _Connection
