"""Masks secret values wherever they stand in texts and bytes: as they are, and as usual encodings write them.

Base64 with line breaks in it is not recognized, nor is a value that was compressed, encrypted or taken apart.
"""

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import AnyStr, Generic
from urllib.parse import quote, quote_plus

MASK = "•••"

LEAST_CHARACTERS = 8
"""Shorter values are not masked: too many texts contain them by chance."""

_HEAD = LEAST_CHARACTERS
# Searching for so many heads takes as long as a look at each place of the text.
_MOST_SEARCHED = 200

_HEX = re.compile("%[0-9A-F]{2}")
# What every encoding leaves as it is.
_UNCHANGED = re.compile(r"[\w.~-]+", re.ASCII)

Span = tuple[int, int]


class ValueMasks:
    """Masks the values that it has so far; false while it has none. One thread adds values, any may mask."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._variants: frozenset[str] = frozenset()
        # Most runs have no credentials: nothing is built for them.
        self._of_text, self._of_data = _NO_TEXTS, _NO_DATA
        self.longest = 0
        """Bytes of the longest text that is masked as one."""
        if values:
            self.add(values)

    def __bool__(self) -> bool:
        return self.longest > 0

    def add(self, values: Iterable[str]) -> None:
        """Mask these values, too, from now on."""
        variants = self._variants.union(*map(variants_of, values))
        if len(variants) > len(self._variants):
            encoded = [variant.encode() for variant in variants]
            self._variants, self.longest = variants, max(map(len, encoded))
            self._of_text, self._of_data = _Search(variants), _Search(encoded)

    def text(self, text: str, *, is_cut: bool = False) -> str:
        """The text with a mask in place of each value. If it is cut off, a longer first part of a value is masked."""
        return _masked(self._of_text, text, MASK, is_cut=is_cut) if self else text

    def data(self, data: bytes, *, is_cut: bool = False) -> bytes:
        """The same of bytes, which need not be UTF-8."""
        return _masked(self._of_data, data, MASK.encode(), is_cut=is_cut) if self else data

    def spans(self, text: str) -> list[Span]:
        """Start and end of what is masked in a text, in order. Values that overlap are one span."""
        return self._of_text.spans(text) if self else []

    def finds(self, text: str) -> bool:
        """Whether something in a text is masked."""
        return bool(self.spans(text))

    def settled(self, text: str | bytes) -> int:
        """How much of it can be masked already, whatever follows: the rest may be the beginning of a value."""
        if not self:
            return len(text)
        return self._of_text.settled(text) if isinstance(text, str) else self._of_data.settled(text)


def variants_of(value: str) -> set[str]:
    """What a value looks like in texts; nothing if it is too short. Each has at least eight characters."""
    parts = {value, value.strip(), *(line.strip() for line in value.splitlines())}
    return {variant for part in parts if len(part) >= LEAST_CHARACTERS for variant in _variants(part)}


def _variants(part: str) -> Iterator[str]:
    yield part
    yield from _in_base64(part.encode())
    for write in () if _UNCHANGED.fullmatch(part) else _WRITERS:
        written = write(part)
        yield written
        yield _HEX.sub(lambda found: found[0].lower(), written)


def _in_base64(data: bytes) -> Iterator[str]:
    """The characters that depend on nothing else, for each offset of the data in what is encoded."""
    for offset in range(3):
        start, end = (8 * offset + 5) // 6, 8 * (offset + len(data)) // 6
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(bytes(offset) + data)[start:end].decode()


def _in_json(text: str, *, ascii_only: bool) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


def _in_json_twice(text: str, *, ascii_only: bool) -> str:
    return _in_json(_in_json(text, ascii_only=ascii_only), ascii_only=ascii_only)


def _with_slashes(text: str) -> str:
    return _in_json(text, ascii_only=True).replace("/", "\\/")


def _in_quotes(text: str) -> str:
    """As `repr` writes it between single quotes."""
    return repr(text + "\"'")[1:-4]


_WRITERS: tuple[Callable[[str], str], ...] = (
    partial(_in_json, ascii_only=True),
    partial(_in_json, ascii_only=False),
    partial(_in_json_twice, ascii_only=True),
    partial(_in_json_twice, ascii_only=False),
    _with_slashes,
    lambda text: repr(text)[1:-1],
    lambda text: ascii(text)[1:-1],
    lambda text: repr(text.encode())[2:-1],
    _in_quotes,
    html.escape,
    partial(html.escape, quote=False),
    quote,
    partial(quote, safe=""),
    partial(quote, safe="!'()*"),  # JavaScript's encodeURIComponent
    partial(quote, safe="!#$%&'()*+,/:;=?@[]~"),  # what is left of a URL by the library Requests
    quote_plus,
)


class _Search(Generic[AnyStr]):
    """Finds texts of at least eight characters, or bytes, by their first eight."""

    def __init__(self, variants: Collection[AnyStr]) -> None:
        self._by_head: dict[AnyStr, list[AnyStr]] = {}
        for variant in sorted(variants, key=len, reverse=True):
            self._by_head.setdefault(variant[:_HEAD], []).append(variant)
        self._longest = max(map(len, variants), default=0)
        self._beginnings: set[AnyStr] = {head[:size] for head in self._by_head for size in range(1, _HEAD)}

    def spans(self, text: AnyStr, *, is_cut: bool = False) -> list[Span]:
        """Start and end of what is found, in order; what overlaps is one span.

        If the text is cut off, the first part of a variant counts at the end, unless it is shorter than a head.
        """
        found = list(self._found(text))
        if is_cut:
            found += [(at, len(text)) for at in self._begun(text)]
        spans: list[Span] = []
        for start, end in sorted(found):
            if spans and start < spans[-1][1]:
                spans[-1] = spans[-1][0], max(end, spans[-1][1])
            else:
                spans.append((start, end))
        return spans

    def settled(self, text: AnyStr) -> int:
        """Up to where nothing changes, whatever follows the text."""
        size = len(text)
        begun = [at for at in range(max(0, size - _HEAD + 1), size) if text[at:] in self._beginnings]
        begun += self._begun(text)
        if not begun:
            return size
        settled = min(begun)
        # The end of one value may be the beginning of another.
        while around := [start for start, end in self._found(text, settled - self._longest) if start < settled < end]:
            settled = min(around)
        return settled

    def _begun(self, text: AnyStr) -> Iterator[int]:
        """Where a variant begins that has its head in the text, but not its end."""
        for at in self._heads_in(text, max(0, len(text) - self._longest)):
            rest = text[at:]
            if any(len(rest) < len(each) and each.startswith(rest) for each in self._by_head[rest[:_HEAD]]):
                yield at

    def _found(self, text: AnyStr, begin: int = 0) -> Iterator[Span]:
        for at in self._heads_in(text, max(0, begin)):
            for variant in self._by_head[text[at : at + _HEAD]]:
                if text.startswith(variant, at):
                    yield at, at + len(variant)
                    break  # the longest one

    def _heads_in(self, text: AnyStr, begin: int = 0) -> Iterator[int]:
        """Where one of the heads stands, in any order."""
        if len(self._by_head) > min(len(text) - begin, _MOST_SEARCHED):
            yield from (at for at in range(begin, len(text) - _HEAD + 1) if text[at : at + _HEAD] in self._by_head)
            return
        for head in self._by_head:
            at = text.find(head, begin)
            while at >= 0:
                yield at
                at = text.find(head, at + 1)


_NO_TEXTS, _NO_DATA = _Search[str](()), _Search[bytes](())


def _masked(search: _Search[AnyStr], text: AnyStr, mask: AnyStr, *, is_cut: bool = False) -> AnyStr:
    """The text with its masks."""
    spans = search.spans(text, is_cut=is_cut)
    while spans:
        text = _replaced(text, spans, mask)
        # A value that holds masks itself may have appeared.
        spans = search.spans(text)
    return text


def _replaced(text: AnyStr, spans: Iterable[Span], mask: AnyStr) -> AnyStr:
    parts: list[AnyStr] = []
    done = 0
    for start, end in spans:
        parts += text[done:start], mask
        done = end
    parts.append(text[done:])
    return text[:0].join(parts)
