"""Which texts an object may have, so that every database keeps them unchanged; and reading texts from files."""

import keyword
import re
from pathlib import Path
from unicodedata import normalize

NAME_LENGTH = 200

# PostgreSQL stores no NUL, and UTF-8 has no lone surrogates.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class UnreadableFileError(Exception):
    """The sentence for the user who named the file."""


def is_storable(text: str) -> bool:
    return not _UNSTORABLE.search(text)


def is_name(text: str) -> bool:
    """Whether `text` can be a name: not empty, not only white space, at most 200 characters."""
    return bool(text.strip()) and len(text) <= NAME_LENGTH and is_storable(text)


def is_library_name(text: str) -> bool:
    """Whether scripts can import a library named `text`: a Python identifier, spelled as Python compares it."""
    is_identifier = text.isidentifier() and not keyword.iskeyword(text) and normalize("NFKC", text) == text
    return is_identifier and is_name(text) and not text.startswith("__")


def read_text(file: Path) -> str:
    """The content of a file in UTF-8, its line ends as they are.

    Raises:
        UnreadableFileError: it cannot be read, or is not UTF-8.
    """
    try:
        return file.read_bytes().decode()
    except OSError as error:
        raise UnreadableFileError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"{file} is not UTF-8.") from error
