"""The marker that uv adds where it resolves for Linux alone, and that tells nobody anything."""

import re

_MARKER = "sys_platform == 'linux'"
# At the end of a line of a lock, where it says no more than that.
_LAST = re.compile(rf" (?:;|and) {re.escape(_MARKER)}(?= \\$| *$)", re.MULTILINE)


def unmarked(lock: str) -> str:
    """A lock without the marker, where a package has it once and last."""
    return "\n".join(_LAST.sub("", line) if line.count(_MARKER) == 1 else line for line in lock.split("\n"))


def unsaid(line: str) -> str:
    """What uv says, without the marker, which no author has written."""
    for part in (f" for split (markers: {_MARKER})", f"{{{_MARKER}}}", f" and {_MARKER}"):
        line = line.replace(part, "")
    return line
