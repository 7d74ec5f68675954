"""The active peppers. The first one is current: new secrets are kept under it, all others are still tried."""

from django.conf import settings

from tokens.secrets import digest

_CHECK_LENGTH = 16


def current_id() -> int:
    """The id of the pepper for new secrets."""
    return next(iter(settings.UDAPI_PEPPERS))


def digests(secret: str) -> dict[int, str]:
    """The digest of `secret` under every active pepper, by pepper id, the current one first."""
    return {number: digest(secret, pepper) for number, pepper in settings.UDAPI_PEPPERS.items()}


def check(number: int) -> str | None:
    """By what an active pepper is recognised elsewhere without being told; None for one that is not active.

    Two installations have the same ids for different peppers. What is digested here can be no secret.
    """
    pepper = settings.UDAPI_PEPPERS.get(number)
    return None if pepper is None else digest("pepper check", pepper)[:_CHECK_LENGTH]
