"""Celery's connections to Redis: they claim the installation's id first, and verify the server over TLS."""

from typing import Any

from kombu.transport import redis

from broker.client import claim_installation
from broker.tls import VerifiedConnection


class _ClaimingChannel(redis.Channel):
    connection_class_ssl = VerifiedConnection

    def __init__(self, *arguments: Any, **options: Any) -> None:
        claim_installation()
        super().__init__(*arguments, **options)


class ClaimingTransport(redis.Transport):
    """The transport for all addresses of Redis."""

    Channel = _ClaimingChannel
