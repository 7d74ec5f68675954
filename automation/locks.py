"""What requirements resolve to: packages with exact versions and hashes, as the text that uv writes and reads."""

import hashlib
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from packaging.markers import Marker
from packaging.version import Version

MOST_PACKAGES: Final = 1_000
LARGEST_LOCK: Final = 4 * 1024 * 1024
"""In characters."""

_HASH_OPTION: Final = " --hash="
_HASH = re.compile("sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
_NAME = re.compile("[a-z0-9]+(-[a-z0-9]+)*")


class LockError(Exception):
    """A lock that cannot be used; `message` is a sentence for the author of the script."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class LockedPackage:
    """A package of a lock. The same name has several versions where markers choose one of them."""

    name: str
    version: str


def digest(requires_python: str, text: str) -> str:
    """What environments are found by."""
    return hashlib.sha256(json.dumps([requires_python, text]).encode()).hexdigest()


def parse(text: str) -> list[LockedPackage]:
    """The packages of a lock, in its order.

    Raises:
        LockError: a line is anything but `name==version`, perhaps a marker, and hashes.
    """
    if len(text) > LARGEST_LOCK:
        raise LockError(_("The lock has more than {:,} characters.").format(LARGEST_LOCK))
    lines = [line for line in text.replace("\\\n", " ").split("\n") if line]
    if len(lines) > MOST_PACKAGES:
        raise LockError(_("A script can have at most {:,} packages.").format(MOST_PACKAGES))
    return [_package(line) for line in lines]


def refuse_names(packages: Iterable[LockedPackage], allowed: Collection[str] | None) -> None:
    """Refuse a lock with a package that has none of the `allowed` names; None allows all.

    Raises:
        LockError: names the package.
    """
    for package in packages:
        if allowed is not None and package.name not in allowed:
            rule = _("The packages need {}, which is not one of those that scripts may have.")
            raise LockError(rule.format(package.name))


def _package(line: str) -> LockedPackage:
    first, *hashes = line.split(_HASH_OPTION)
    pinned, semicolon, marker = first.partition(";")
    name, equals, version = pinned.strip().partition("==")
    try:
        if semicolon:
            Marker(marker)
        is_version = str(Version(version)) == version
    except (ValueError, RecursionError):
        is_version = False
    is_name = bool(_NAME.fullmatch(name))
    has_hashes = bool(hashes) and all(_HASH.fullmatch(each.strip()) for each in hashes)
    if not (is_version and is_name and equals and has_hashes and line.isprintable()):
        raise LockError(_("The lock has a line that is not a package with its hashes: {!r}.").format(line[:100]))
    return LockedPackage(name, version)
