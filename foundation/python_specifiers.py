"""What specifiers such as `>=3.12,<3.14` say about versions of Python."""

from collections.abc import Iterator
from typing import Final

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

OLDEST: Final = (3, 11, 0)
"""What the product itself needs."""

_NONE_YET: Final = (4, 0, 0)
_LARGEST_PART: Final = 40
"""No minor or micro version of Python is larger, in the life of a release."""


def lowest(specifiers: SpecifierSet) -> str | None:
    """The lowest version of Python that is allowed, such as `3.11` or `3.12.4`, from 3.11 on; None if none is.

    Raises:
        ValueError: a specifier has no version.
    """
    for parts in sorted({OLDEST, *(found for each in specifiers for found in _boundaries(each))}):
        text = ".".join(map(str, parts))
        if OLDEST <= parts < _NONE_YET and max(parts) <= _LARGEST_PART and specifiers.contains(text):
            return text.removesuffix(".0")
    return None


def release(specifier: Specifier) -> tuple[int, int, int]:
    """The version in a specifier, without anything after its third number.

    Raises:
        ValueError: it has none, as in `===any`.
    """
    major, minor, micro, *_rest = (*Version(specifier.version.removesuffix(".*")).release, 0, 0)
    return major, minor, micro


def _boundaries(specifier: Specifier) -> Iterator[tuple[int, int, int]]:
    """The version in a specifier and the two after it: the lowest one that several allow is one of these, or 3.11."""
    major, minor, micro = release(specifier)
    yield from ((major, minor, micro), (major, minor, micro + 1), (major, minor + 1, 0))
