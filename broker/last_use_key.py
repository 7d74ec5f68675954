"""The Redis key that notes when each token was last used, until that is moved to the database."""

from broker.installation import prefix


def last_use_key() -> str:
    """Hash: id of a token → when it was last let in (milliseconds, Redis' clock)."""
    return f"{prefix()}last-use"
