"""Why a build has failed, in words for the author of a script: made of what uv has said."""

import platform
import re
from collections.abc import Callable
from dataclasses import dataclass

from hosts.environments import python_tag

MOST_CHARACTERS = 4 * 1024 // 4
"""Four kilobytes at most, whatever the characters are."""

_MOST_EXPLAINED = 16 * 1024
_PARTS = re.compile(r"^ *(error|cause|hint): ", re.MULTILINE)
# A path of this machine: not the path of a URL, which follows a host.
_PATH = re.compile(r"file:/*[^\s`'\")]+|(?<![\w:/.@*\]])/[\w.+~@-]+(?:/[\w.+~@-]+)+/?")
# Under which marker uv looks at a package.
_CONDITION = re.compile(r"\{[^{}\n]*\}")
_FOR_URL = re.compile(r" for url \([^)]*\)")
_UNREACHABLE = "error sending request|Request failed after|Failed to fetch|HTTP status|dns error|timed out"


class BuildError(Exception):
    """A build has failed; the text says why, to the author of the script.

    `is_of_node` says whether the cause is this machine or what it reaches, so that another node, or this one later, may
    succeed.
    """

    def __init__(self, message: str, *, is_of_node: bool = False) -> None:
        super().__init__(message[:MOST_CHARACTERS])
        self.is_of_node = is_of_node


class NoSpaceError(BuildError):
    """A build needs more space than it may take, or than there is."""


class SpoiledCacheError(BuildError):
    """uv may not use its own files: a script of the same account has changed their modes, which nothing rules out."""


@dataclass(frozen=True)
class _Rule:
    """What a failure means whose text matches `pattern`."""

    pattern: str
    meaning: Callable[["re.Match[str]"], str]
    is_of_node: bool = False


def too_large(most_bytes: int) -> NoSpaceError:
    return NoSpaceError(f"The packages take more than {_size(most_bytes)}, which is the most for one script.")


def disk_full() -> NoSpaceError:
    return NoSpaceError("The disk of this node is full.", is_of_node=True)


# From the beginning of a word on: to try each place of a long one would take a long time.
_NAME = r"(?<![\w.-])([A-Za-z0-9][\w.-]*)"
_PINNED = _NAME + r"==([^\s,`]+)"


def _newer_python(package: str, wanted: str) -> str:
    return (
        f"{package} requires Python {wanted}, but the script may run on an older one; this node has "
        f"{platform.python_version()}. State it in requires-python, or allow another version of the package."
    )


# The first one that matches counts.
_RULES = (
    _Rule(
        r"(401 Unauthorized|403 Forbidden|407 Proxy Authentication Required)",
        lambda found: f"The package index refuses this node: {found[1]}.",
        is_of_node=True,
    ),
    _Rule(
        rf"Hash mismatch for `{_PINNED}",
        lambda found: (
            f"{found[1]} {found[2]} has changed since it was locked: its file has another hash. "
            "If that is right, resolve the packages again."
        ),
    ),
    _Rule(
        rf"for package `{_PINNED}`\s+cause: Package `([^`]+)` was included as a URL dependency",
        lambda found: f"{found[1]} {found[2]} requires {found[3]} by an address. Packages come from the index only.",
    ),
    _Rule(
        r"Package `([^`]+)` was included as a URL dependency",
        lambda found: f"{found[1]} is required by an address. Packages come from the index only.",
    ),
    _Rule(
        rf"{_PINNED} has no wheels with a matching",
        lambda found: f"{found[1]} {found[2]} has no wheel for this node ({python_tag()}).",
        is_of_node=True,
    ),
    _Rule(
        rf"Wheels are required for `{_NAME}|{_NAME}(?:[<>=!~]=?[^\s,]+)? (?:has|have) no (?:usable )?wheels",
        lambda found: f"{found[1] or found[2]} has no wheel. Packages are installed from wheels only.",
    ),
    _Rule(
        rf"{_PINNED} requires Python (\S+?)[,\s]",
        lambda found: _newer_python(f"{found[1]} {found[2]}", found[3]),
    ),
    _Rule(
        rf"Because the requested Python version \(\S+\) does not satisfy Python\S+ and {_NAME}([<>=!~]\S+) depends on"
        r" Python(\S+?), we can conclude that \S+ cannot be used\.\s+And because (?:only \S+ is available and )?"
        r"you require \1",
        lambda found: _newer_python(found[1] + found[2].replace("==", " "), found[3]),
    ),
    _Rule(
        rf"{_NAME} was not found in the",
        lambda found: f"There is no package {found[1]} where this node looks for packages.",
    ),
    _Rule(
        rf"there is no version of {_PINNED}",
        lambda found: (
            f"There is no {found[1]} {found[2]} where this node looks for packages. "
            "Ask for another version; if this one was withdrawn, resolve the packages again."
        ),
    ),
)


def explained(said: str, status: int, most_bytes: int) -> BuildError:
    """What the failure of uv means that has written `said` to its error output."""
    if status > 128:
        text = f"The build was killed by signal {status - 128}, perhaps for lack of memory."
        return BuildError(text, is_of_node=True)
    parts = _PARTS.search(said)
    text = _CONDITION.sub("", (said[parts.start() :] if parts else said)[:_MOST_EXPLAINED])
    if re.search("os error 27|File too large", text):
        return too_large(most_bytes)
    if re.search("No space left on device|os error 28|os error 122", text):
        return disk_full()
    if re.search("Permission denied|os error 13\\b", text):
        return SpoiledCacheError("This node cannot build: uv may not use its files.", is_of_node=True)
    for rule in _RULES:
        if found := re.search(rule.pattern, text):
            return BuildError(rule.meaning(found), is_of_node=rule.is_of_node)
    causes = _causes(text)
    if re.search(_UNREACHABLE, text):
        return BuildError(f"The package index cannot be reached: {causes[-1]}.", is_of_node=True)
    if "No solution found" in text:
        return BuildError(f"No versions fit together. {causes[-1]}.")
    return BuildError(f"uv failed: {': '.join(causes)}", is_of_node="cannot start" in text)


def _causes(text: str) -> list[str]:
    """The error and its causes, the innermost last, on one line each and without paths of this machine."""
    pieces = _PARTS.split(text)
    told = [piece for kind, piece in zip(pieces[1::2], pieces[2::2], strict=True) if kind != "hint"] or [text]
    return [without_paths(" ".join(piece.split())).rstrip(".") for piece in told] or ["no reason"]


def without_paths(text: str) -> str:
    return _PATH.sub("…", _FOR_URL.sub("", text))


def _size(size: int) -> str:
    return f"{size // 1024**3} GB" if size >= 1024**3 else f"{size // 1024**2} MB"
