"""Which values a run keeps masked because their names speak of secrets. Every scan here is linear in its text."""

import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

from foundation.value_masks import MASK

Holds = Callable[[str], bool]
"""Whether a text holds a value that is masked whatever its name."""

_SECRET = re.compile(
    r"pass|secret|token|api.?key|auth|cookie|signature|credential|private.?key", re.IGNORECASE | re.DOTALL
)

# JSON within a string, at any depth: each level doubles the backslashes.
_ESCAPE = re.compile(r"\\++(?:u([0-9a-fA-F]{4}))?")
# `\n`, `\r` and `\t` have lost their backslash. What follows the quote is looked at only, because it may begin a pair.
_QUOTED = re.compile(r"""["'](?=([^"']*+)["'][\snrt]*+([:=]))""")
# A match begins at the start of a word; otherwise, a long word would be read once for each of its characters.
_BARE = re.compile(r"""(?<![\w.-])([\w.-]++)\s*+([:=])(?=[\snrt]*+(["'\d])?)""")
_BRACKET = re.compile(r"[\[{]")


class ValueKind(StrEnum):
    """How a value is written where it stands."""

    TEXT = "text"
    JSON_STRING = "jsonString"
    JSON = "json"  # any other value of JSON, also an object or array
    FORM = "form"  # percent-encoded


class Place(NamedTuple):
    """`text[start:end]` is to be masked. `name` is for people: a JSON pointer, or the name of the field."""

    start: int
    end: int
    name: str
    kind: ValueKind


def mask_of(kind: ValueKind) -> str:
    """The mask as it is written in place of such a value."""
    return f'"{MASK}"' if kind in (ValueKind.JSON, ValueKind.JSON_STRING) else MASK


def holds_nothing(_text: str) -> bool:
    """Stands in where no values are known."""
    return False


def merged(*groups: Iterable[Place]) -> list[Place]:
    """The places in order, without overlaps. One within another is part of it; of two equal ones, the first stays."""
    found: list[Place] = []
    for place in sorted(chain(*groups), key=lambda place: (place.start, -place.end)):
        last = found[-1] if found else None
        if last is None or place.start >= last.end:
            found.append(place)
        elif place.end > last.end:
            found[-1] = Place(last.start, place.end, last.name, ValueKind.TEXT)
    return found


def is_secret(name: str) -> bool:
    """Whether the values of this name are masked."""
    return _SECRET.search(name) is not None


def holds_secret(text: str) -> bool:
    """Whether a text with JSON, GraphQL or the like has a secret in it: a secret name with a value."""
    if _SECRET.search(plain := unescaped(text)) is None or _BRACKET.search(plain) is None:
        return False
    # `$token: String!` in GraphQL is no value.
    bare = (found[1] for found in _BARE.finditer(plain) if found[3])
    return any(map(is_secret, chain((found[1] for found in _QUOTED.finditer(plain)), bare)))


def secrets_begin(text: str, start: int) -> int | None:
    """Where the first value with a secret name may begin in a text that is not valid; None if there is none."""
    ends = [found.end(2) for found in _secret_pairs(text, start)]
    if not ends and holds_secret("{" + text[start:]):
        return start
    return min(ends, default=None)


def _secret_pairs(text: str, start: int) -> Iterator[re.Match[str]]:
    for pattern in (_QUOTED, _BARE):
        yield from (found for found in pattern.finditer(text, start) if is_secret(found[1]))


def unescaped(text: str) -> str:
    """The text without backslashes, and with the characters of `\\u0061`, at any depth of JSON in strings."""
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else "", text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
