"""What the search of everything finds, and which of it comes first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from django.utils.functional import Promise

Words = str | Promise

LIMIT: Final = 6
"""How many entries of one kind are shown."""


class Match(IntEnum):
    """How a text matches what was typed; the best match first."""

    EXACT = 0
    PREFIX = 1
    WORD = 2
    PART = 3


@dataclass(frozen=True)
class PaletteEntry:
    """A line of the search: a link, or with `action` something that the page itself does."""

    title: str
    icon: str
    address: str = ""
    note: str = ""
    action: str = ""


@dataclass(frozen=True)
class PaletteGroup:
    """Entries of one kind. `more` is the address of a list with all of them, if there are more."""

    title: Words
    entries: Sequence[PaletteEntry]
    more: str = ""


def match_of(text: str, wanted: str) -> Match | None:
    """How `text` matches `wanted`, whatever the case; None if it does not."""
    text, wanted = text.casefold(), wanted.casefold()
    if text == wanted:
        return Match.EXACT
    if text.startswith(wanted):
        return Match.PREFIX
    if f" {wanted}" in text:
        return Match.WORD
    return Match.PART if wanted in text else None


def best(entries: Iterable[PaletteEntry], wanted: str) -> list[PaletteEntry]:
    """The entries whose title matches, the best match first; without a text all, in their order."""
    if not wanted:
        return list(entries)
    matches = ((match_of(entry.title, wanted), entry) for entry in entries)
    found = [(match, entry) for match, entry in matches if match is not None]
    return [entry for _match, entry in sorted(found, key=lambda one: one[0])]
