"""What a build says: line by line, without the secrets of the package index."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, urlsplit

from foundation.texts import visible
from foundation.value_masks import MASK, ValueMasks
from hosts import linux_markers
from hosts.jobs import OnLine

MOST_BYTES = 64 * 1024
_MOST_LINE_CHARACTERS = 4 * 1024
_LEFT_OUT = "The rest of the output is left out."
# What `ValueMasks` finds too short is masked where it stands in a URL.
_USER_INFO = re.compile(r"(?<=://)[^/\s@]+@")
# A part of a path that is as long as a token is one, for some indexes.
_TOKEN_CHARACTERS = 20


def masks_of(urls: Iterable[str]) -> ValueMasks:
    """Masks of what is secret in addresses of indexes and proxies: user, password and tokens."""
    return ValueMasks(value for url in urls for value in _secrets(url))


def _secrets(url: str) -> set[str]:
    before, _, host = url.rpartition("@")
    user_info = before.rpartition("://")[2] if host and before else ""
    found = {user_info, *user_info.split(":", 1)}
    try:
        split = urlsplit(url)
    except ValueError:
        split = urlsplit("")
    found |= {value for _, value in parse_qsl(split.query)}
    found |= {part for part in split.path.split("/") if len(part) >= _TOKEN_CHARACTERS}
    return {form for value in found if value for form in (value, unquote(value))}


class BuildLog:
    """Passes lines on to `on_line`, 64 KB at most, and keeps what was said last."""

    def __init__(self, on_line: OnLine, masks: ValueMasks) -> None:
        self._on_line, self._masks = on_line, masks
        self._left, self._rest = MOST_BYTES, b""
        self._said: list[str] = []
        self._is_full = False

    def write(self, data: bytes) -> None:
        """More output; its last line may be incomplete."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.say(line.decode(errors="backslashreplace"))
        if len(self._rest) > MOST_BYTES:
            # Not said in part: a mask could miss what is cut.
            self._rest = b""

    def end(self) -> None:
        """The output has ended, perhaps without the end of a line."""
        rest, self._rest = self._rest, b""
        if rest:
            self.say(rest.decode(errors="backslashreplace"))

    def say(self, line: str) -> None:
        shown = visible(self.masked(linux_markers.unsaid(line.rstrip("\r"))))[:_MOST_LINE_CHARACTERS]
        self._keep(shown)
        size = len(shown.encode()) + 1
        if size <= self._left - len(_LEFT_OUT) and not self._is_full:
            self._left -= size
            self._on_line(shown)
        elif not self._is_full:
            self._is_full = True
            self._on_line(_LEFT_OUT)

    def masked(self, text: str) -> str:
        return _USER_INFO.sub(f"{MASK}@", self._masks.text(text))

    @property
    def said(self) -> str:
        """The last lines, masked."""
        return "\n".join(self._said)

    def _keep(self, line: str) -> None:
        self._said.append(line)
        if len(self._said) > 1_000:
            del self._said[:500]
