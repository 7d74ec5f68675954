"""The active peppers. The first one is current: it digests new secrets; the others are still tried."""

from django.conf import settings

from tokens.secrets import digest

_CHECK_LENGTH = 16


def current_id() -> int:
    return next(iter(settings.UDAPI_PEPPERS))


def digests(secret: str) -> dict[int, str]:
    """The digest of `secret` under every active pepper, by pepper id, the current one first."""
    return {number: digest(secret, pepper) for number, pepper in settings.UDAPI_PEPPERS.items()}


def check(number: int) -> str | None:
    """A fingerprint by which another installation recognises the pepper; None if it is not active.

    Installations use the same ids for different peppers. The text that is digested here is too short for a secret.
    """
    pepper = settings.UDAPI_PEPPERS.get(number)
    return None if pepper is None else digest("pepper check", pepper)[:_CHECK_LENGTH]
