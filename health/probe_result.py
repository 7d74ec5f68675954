"""What the last probe of the public URL has found, kept in Redis for all processes of the installation."""

import socket
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import redis
from django.conf import settings

from broker.client import brief_client
from broker.installation import prefix
from health.public_url import fault_of
from health.states import ComponentState, HealthStatus

_KEPT: Final = timedelta(minutes=10)
"""A finding that is older says nothing any more."""


class ProbeResult(msgspec.Struct, kw_only=True):
    """`fault` is empty if `url` reached the installation from `host`; `since` is when that was first found."""

    url: str
    host: str
    fault: str
    since: datetime
    checked_at: datetime

    @property
    def status(self) -> HealthStatus:
        """`unknown` after one failed probe: the background program probes before the web server has started."""
        if not self.fault:
            return HealthStatus.UP
        return HealthStatus.IMPAIRED if self.checked_at > self.since else HealthStatus.UNKNOWN


def probe() -> None:
    """Probe the public URL from this machine, and keep the result.

    Raises:
        redis.RedisError
    """
    url, now = settings.UDAPI_PUBLIC_URL, datetime.now(UTC)
    fault, last = fault_of(url), last_result()
    is_same = last is not None and (last.url, last.fault) == (url, fault)
    since = last.since if last and is_same else now
    result = ProbeResult(url=url, host=socket.gethostname(), fault=fault, since=since, checked_at=now)
    brief_client().set(_key(), msgspec.json.encode(result), ex=_KEPT)


def last_result() -> ProbeResult | None:
    """The last result; None if there is none of the last ten minutes.

    Raises:
        redis.RedisError
    """
    kept = brief_client().get(_key())
    return msgspec.json.decode(kept, type=ProbeResult) if kept else None


def public_url_state() -> ComponentState:
    """The public URL as a component."""
    status, message, since = HealthStatus.UNKNOWN, "Redis does not answer.", None
    try:
        result = last_result()
    except redis.RedisError:
        result = None
    else:
        message = "It is checked by a background program once a minute, and was not yet."
    if result is not None:
        since = result.since
        status = result.status
        message = f"{result.url}, asked from {result.host}: {result.fault or 'reaches this installation.'}"
    return ComponentState(name="publicUrl", status=status, message=message, since=since)


def _key() -> str:
    return f"{prefix()}public-url"
