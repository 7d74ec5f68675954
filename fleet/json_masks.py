"""The values to mask in JSON: found by its tokens, so that the rest of the text stays exactly as it is.

The text may be cut off, hold several documents, or be no JSON at all. The scan goes forward only and remembers nothing
but the open brackets. Where the text is not valid, it is masked from the first name of a secret on.
"""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum, auto

from fleet.masks import Holds, Place, ValueKind, holds_nothing, holds_secret, is_secret, secrets_begin, unescaped
from foundation.value_masks import MASK

DEEPEST_LEVEL = 3
"""JSON in strings in strings is read so far; below, it is only searched for pairs."""

LONGEST_ESCAPE = len("\\u0061")
LONGEST_NAME = 100
MOST_STEPS = 10
"""A pointer longer than one of these has only its end, after `…`."""

_TOKEN = re.compile(
    r"""(?P<space>[\s\ufeff]++)
    |(?P<string>"(?>[^"\\]++|\\.)*+\\?(?P<end>"?))
    |(?P<open>[\[{])|(?P<close>[\]}])|(?P<comma>,)|(?P<colon>:)
    |(?P<word>[^\s"\[\]{},:=\ufeff]++)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_BEGINNING = re.compile(r"[\s\x00-\x20\ufeff]*+[\[{]")
_DECODER = json.JSONDecoder(strict=False)

# A byte-order mark of UTF-16, as undecodable bytes.
_OTHER_ENCODINGS = ("\udcff\udcfe", "\udcfe\udcff")


class _Expected(Enum):
    VALUE = auto()
    NAME = auto()
    COLON = auto()
    NEXT = auto()  # a comma, or the end of the object or array


class _InvalidError(Exception):
    """The text is no JSON from here on."""


def places(text: str, level: int = 0, holds: Holds = holds_nothing) -> list[Place]:
    """The values to mask, in their order. `level` counts the strings around the text."""
    if "\0" in text[:4] or text[:2] in _OTHER_ENCODINGS:
        return [Place(0, len(text), "", ValueKind.TEXT)]
    plain = unescaped(text)
    return _Scan(text, level, holds).places() if is_secret(plain) or holds(text) or holds(plain) else []


def begins(text: str) -> bool:
    """Whether a text looks like a JSON object or array."""
    return _BEGINNING.match(text) is not None


def is_masked(name: str, value: str, level: int = 0) -> bool:
    """Whether this value is masked, for its name or for what it holds."""
    return is_secret(name) or holds_secret(value) or _holds_json_with_secret(value, level)


def _holds_json_with_secret(text: str, level: int) -> bool:
    """Finds unusual names, too. An invalid text may be GraphQL, where a name and a colon are not yet a value."""
    is_looked_at = level < DEEPEST_LEVEL and begins(text)
    return is_looked_at and any(place.kind is not ValueKind.TEXT for place in places(text, level + 1))


class _Scan:
    def __init__(self, text: str, level: int, holds: Holds) -> None:
        self._text, self._level, self._holds = text, level, holds
        self._places: list[Place] = []
        self._path: list[str | int] = []  # the name or index in each open object or array
        self._expected = _Expected.VALUE
        self._name_is_secret = False
        self._hidden: Place | None = None  # its end is not known before the next comma or bracket
        self._hidden_depth = 0
        self._is_sure = True  # a name has come after the last place
        self._restart = 0  # after the last comma or bracket

    def places(self) -> list[Place]:
        for token in _TOKEN.finditer(self._text):
            try:
                _STEPS[token.lastgroup or ""](self, token)
            except _InvalidError:
                self._mask_rest(token.start())
                break
        if self._hidden is not None:
            self._reveal(self._hidden.end if self._hidden_depth == len(self._path) else len(self._text))
        return self._places

    def _mask_rest(self, invalid_from: int) -> None:
        """Mask an invalid text from its first secret on; right after a masked value, it may be part of that."""
        last = self._hidden or (None if self._is_sure else self._places.pop())
        self._hidden = None
        if last is not None:
            start, name = last.start, last.name
        else:
            first = invalid_from if self._name_is_secret else secrets_begin(self._text, self._restart)
            if first is None:
                return
            start, name = first, self._pointer()
        self._places.append(Place(start, len(self._text), name, ValueKind.TEXT))

    def _hide(self, token: re.Match[str], kind: ValueKind) -> None:
        self._hidden = Place(token.start(), token.end(), self._pointer(), kind)
        self._hidden_depth = len(self._path)

    def _reveal(self, end: int) -> None:
        if self._hidden is not None:
            self._places.append(self._hidden._replace(end=end))
            self._hidden, self._is_sure = None, False

    def _pointer(self) -> str:
        steps = [str(step).replace("~", "~0").replace("/", "~1") for step in self._path[-MOST_STEPS:]]
        pointer = "".join(f"/{step}" for step in steps).encode("utf-8", "replace").decode()
        is_whole = len(self._path) <= MOST_STEPS and len(pointer) <= LONGEST_NAME
        return pointer if is_whole else "…" + pointer[-LONGEST_NAME:]

    def _on_string(self, token: re.Match[str]) -> None:
        if self._expected is _Expected.NAME:
            self._on_name(token)
            return
        has_secret_name, string = self._begin_value(), _decoded(token)
        if self._hidden is None and (has_secret_name or is_masked("", string, self._level) or self._holds(string)):
            self._hide(token, ValueKind.JSON_STRING)

    def _on_name(self, token: re.Match[str]) -> None:
        name = _decoded(token)
        self._name_is_secret = is_secret(name)
        self._path[-1] = MASK if self._holds(name) else name[:LONGEST_NAME]
        self._expected = _Expected.COLON

    def _on_word(self, token: re.Match[str]) -> None:
        if (self._begin_value() or self._holds(token[0])) and self._hidden is None:
            self._hide(token, ValueKind.JSON)

    def _begin_value(self) -> bool:
        """Whether the name of this value is that of a secret."""
        if self._expected is not _Expected.VALUE and (self._path or self._expected is not _Expected.NEXT):
            raise _InvalidError
        if not self._path:
            self._reveal_scalar()
        self._expected = _Expected.NEXT
        is_secret_value, self._name_is_secret = self._name_is_secret, False
        return is_secret_value

    def _on_open(self, token: re.Match[str]) -> None:
        if self._begin_value() and self._hidden is None:
            self._hide(token, ValueKind.JSON)
        is_object = token[0] == "{"
        self._path.append("" if is_object else 0)
        self._expected = _Expected.NAME if is_object else _Expected.VALUE
        self._restart = token.end()

    def _on_close(self, token: re.Match[str]) -> None:
        if not self._path or isinstance(self._path[-1], str) != (token[0] == "}"):
            raise _InvalidError
        if self._expected is _Expected.COLON or (self._name_is_secret and self._expected is _Expected.VALUE):
            raise _InvalidError
        self._reveal_scalar()
        self._path.pop()
        if self._hidden is not None and self._hidden_depth == len(self._path):
            self._hidden = self._hidden._replace(end=token.end())
        self._expected = _Expected.NEXT
        self._restart = token.end()

    def _on_comma(self, token: re.Match[str]) -> None:
        if self._expected is not _Expected.NEXT:
            raise _InvalidError
        self._reveal_scalar()
        self._expected = _Expected.VALUE
        if self._path and isinstance(step := self._path[-1], int):
            self._path[-1] = step + 1
        elif self._path:
            self._expected = _Expected.NAME
        self._restart = token.end()

    def _reveal_scalar(self) -> None:
        """End the hidden value, if it is one of this object or array."""
        if self._hidden is not None and self._hidden_depth == len(self._path):
            self._reveal(self._hidden.end)

    def _on_space(self, token: re.Match[str]) -> None:
        """White space means nothing."""

    def _on_other(self, token: re.Match[str]) -> None:
        raise _InvalidError

    def _on_colon(self, _token: re.Match[str]) -> None:
        if self._expected is not _Expected.COLON:
            raise _InvalidError
        self._expected = _Expected.VALUE
        self._is_sure = True


_STEPS: Mapping[str, Callable[[_Scan, re.Match[str]], None]] = {
    "space": _Scan._on_space,
    "string": _Scan._on_string,
    "word": _Scan._on_word,
    "open": _Scan._on_open,
    "close": _Scan._on_close,
    "comma": _Scan._on_comma,
    "colon": _Scan._on_colon,
    "other": _Scan._on_other,
}


def _decoded(token: re.Match[str]) -> str:
    """The text of a JSON string, as far as it is one."""
    string = token[0] if token["end"] else token[0] + '"'
    if "\\" not in string:
        return string[1:-1]
    # A string that was cut off may end within an escape.
    for missing in range(1 if token["end"] else LONGEST_ESCAPE + 1):
        with suppress(ValueError):
            return str(_DECODER.decode(string[: len(string) - 1 - missing] + '"'))
    return unescaped(string)
