"""What the texts of an object may be, so that every database keeps them as they came."""

import re

NAME_LENGTH = 200

# PostgreSQL keeps no NUL, and UTF-8 has no lone surrogates.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Whether `text` can be kept."""
    return not _UNSTORABLE.search(text)


def is_name(text: str) -> bool:
    """Whether `text` can be a name: not empty, not white space only, not too long."""
    return bool(text.strip()) and len(text) <= NAME_LENGTH and is_storable(text)
