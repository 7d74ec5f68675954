"""The active peppers. The first one is current: new secrets are kept under it, all others are still tried."""

from django.conf import settings

from tokens.secrets import digest


def current_id() -> int:
    """The id of the pepper for new secrets."""
    return next(iter(settings.UDAPI_PEPPERS))


def digests(secret: str) -> dict[int, str]:
    """The digest of `secret` under every active pepper, by pepper id, the current one first."""
    return {number: digest(secret, pepper) for number, pepper in settings.UDAPI_PEPPERS.items()}
