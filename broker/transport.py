"""Celery's connections to Redis: over TLS they verify the server."""

from kombu.transport import redis

from broker.tls import VerifiedConnection


class _VerifiedChannel(redis.Channel):
    connection_class_ssl = VerifiedConnection


class VerifiedTransport(redis.Transport):
    """The transport of `rediss://`."""

    Channel = _VerifiedChannel
