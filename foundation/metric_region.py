"""A piece of memory in which one process counts, and from which others read at any time without a lock.

It begins with the number of its used bytes. Each entry is a header, a key, and numbers of eight bytes that never move.
The number of used bytes changes last, so a reader never meets half an entry.
"""

import json
from collections.abc import Iterator
from typing import Final

_WORD: Final = 8


class MetricRegion:
    """Entries of name, labels and numbers."""

    def __init__(self, memory: memoryview) -> None:
        """`memory` is zeroed, or what an earlier process has left."""
        self._bytes, self._words = memory, memory.cast("Q")
        self.values = memory.cast("d")
        """All of the region as numbers; the place of an entry is the index of its first one."""

    def append(self, name: str, labels: tuple[str, ...], width: int) -> int | None:
        """Add an entry of `width` zeros; returns its place, or None if there is no room.

        A process that was killed here may have left part of an entry where this one goes.
        """
        key = json.dumps([name, *labels]).encode()
        key_words = -(-len(key) // _WORD)
        start = self._words[0] // _WORD or 1
        place = start + 2 + key_words
        if place + width > len(self.values):
            return None
        self._words[start], self._words[start + 1] = len(key), width
        self._bytes[(start + 2) * _WORD : (start + 2) * _WORD + len(key)] = key
        for index in range(place, place + width):
            self.values[index] = 0.0
        self._words[0] = (place + width) * _WORD
        return place

    def entries(self) -> Iterator[tuple[str, tuple[str, ...], int, int]]:
        """Name, labels, place and width of each entry."""
        at, end = 1, self._words[0] // _WORD
        while at < end:
            length, width = self._words[at], self._words[at + 1]
            name, *labels = json.loads(bytes(self._bytes[(at + 2) * _WORD : (at + 2) * _WORD + length]))
            place = at + 2 + -(-length // _WORD)
            yield name, tuple(labels), place, width
            at = place + width
