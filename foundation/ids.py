"""Ids as text."""

from uuid import UUID


def parse_uuid(text: str) -> UUID | None:
    """The UUID that `text` spells in any form that `uuid.UUID` reads, else None."""
    try:
        return UUID(text)
    except ValueError:
        return None
