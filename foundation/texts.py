"""Which texts an object may have, so that every database keeps them unchanged; and reading texts from files."""

import keyword
import re
from pathlib import Path
from unicodedata import normalize

NAME_LENGTH = 200

# PostgreSQL stores no NUL, and UTF-8 has no lone surrogates.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

# They let a text change the order in which what follows it is read.
_DIRECTIONS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))

CONTROL_CHARACTERS = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *_DIRECTIONS)
}
"""For `str.translate`: control characters, what some readers take for the end of a line, and changes of direction."""

_FOR_TERMINALS = {code: shown for code, shown in CONTROL_CHARACTERS.items() if code not in (ord("\n"), ord("\t"))}


class UnreadableFileError(Exception):
    """The sentence for the user who named the file."""


def is_storable(text: str) -> bool:
    return not _UNSTORABLE.search(text)


def visible(text: str) -> str:
    """The text for a terminal, which obeys no control character but line ends and tabs."""
    return text if text.isprintable() else text.translate(_FOR_TERMINALS)


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
        return read_bytes(file).decode()
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"{file} is not UTF-8.") from error


def read_bytes(file: Path) -> bytes:
    """The content of a file.

    Raises:
        UnreadableFileError: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"{file} cannot be read: {error.strerror}.") from error
