"""The values to mask in forms: `application/x-www-form-urlencoded`, and the parts of `multipart/form-data`.

A part is masked as a whole; its other headers and the boundaries stay.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus

from fleet.json_masks import is_masked
from fleet.masks import Holds, Place, ValueKind, holds_nothing
from foundation.value_masks import MASK

_FIELD = re.compile(r"(?:^|&)([^&=]*+)=([^&]*+)")
_BOUNDARY = re.compile(r"""boundary=(?:"([^"]*+)"|([^\s;]++))""", re.IGNORECASE)
_FIRST_LINE = re.compile(r"\s*+--([^\r\n]++)")
_BLANK_LINE = re.compile(r"^\r?\n", re.MULTILINE)
_NAME = re.compile(r"""\bname\*?=(?:"((?>[^"\\]++|\\.)*+)|([^\s;]*+))""", re.IGNORECASE | re.DOTALL)


def urlencoded_places(text: str, holds: Holds = holds_nothing) -> Iterator[Place]:
    """The values to mask in an encoded form, in their order."""
    for field in _FIELD.finditer(text):
        name, value = unquote_plus(field[1]), unquote_plus(field[2])
        if is_masked(name, value) or holds(value):
            yield Place(field.start(2), field.end(2), MASK if holds(name) else name, ValueKind.FORM)


def multipart_places(text: str, content_type: str, holds: Holds = holds_nothing) -> Iterator[Place]:
    """The contents of parts to mask, in their order."""
    for start, end in _parts(text, content_type):
        blank = _BLANK_LINE.search(text, start, end)
        if blank is None:
            continue
        content = text[blank.end() : end]
        names = [unquote(found[1] or found[2] or "") for found in _NAME.finditer(text, start, blank.start())]
        if any(is_masked(name, "") for name in names) or is_masked("", content) or holds(content):
            name = next(iter(names), "")
            yield Place(blank.end(), end, MASK if holds(name) else name, ValueKind.TEXT)


def _parts(text: str, content_type: str) -> Iterator[tuple[int, int]]:
    """Start and end of each part, with its headers. The last one may be cut off."""
    boundary = _boundary(text, content_type)
    delimiter = re.compile(rf"^--{re.escape(boundary)}(?:--)?[ \t]*+(?:\r?\n|\Z)", re.MULTILINE)
    start: int | None = None
    for found in delimiter.finditer(text):
        if start is not None:
            yield start, _without_line_end(text, start, found.start())
        start = found.end()
    if start is not None:
        yield start, len(text)


def _boundary(text: str, content_type: str) -> str:
    """The announced boundary; if the text has another, that of its first line."""
    announced = _BOUNDARY.search(content_type)
    boundary = (announced[1] or announced[2] or "") if announced else ""
    first = _FIRST_LINE.match(text)
    is_used = boundary and f"--{boundary}" in text
    return boundary if is_used or first is None else first[1].rstrip()


def _without_line_end(text: str, start: int, end: int) -> int:
    for line_end in ("\r\n", "\n"):
        if text.endswith(line_end, start, end):
            return end - len(line_end)
    return end
