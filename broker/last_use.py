"""The Redis key that notes when each token was last used, until that is moved to the database."""

from typing import Final

LAST_USE_KEY: Final = "udapi:last-use"
"""Hash: id of a token → when it was last let in (milliseconds, Redis' clock)."""
