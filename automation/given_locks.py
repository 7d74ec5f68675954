"""Locks that come with a script from elsewhere, such as from the files of an import."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from django.utils.translation import gettext as _
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from automation.locks import LockedPackage, LockError, parse, refuse_names
from automation.requirements import Requirements, allowed_names


@dataclass(frozen=True)
class GivenLock:
    """A lock with packages that scripts may have; whether these are the right ones is another question."""

    text: str
    packages: Sequence[LockedPackage] = field(compare=False)

    @classmethod
    def read(cls, text: str) -> Self:
        """Line ends of Windows count as those that uv writes.

        Raises:
            LockError: it is not a lock, or has a package that scripts may not have.
        """
        lines = text.replace("\r\n", "\n")
        packages = tuple(parse(lines))
        refuse_names(packages, allowed_names())
        return cls(lines, packages)


def refuse_uncovered(packages: Iterable[LockedPackage], needed: Requirements) -> None:
    """Refuse packages that lack one of those that are asked for, or have it only in versions that nobody asked for.

    Raises:
        LockError: names the dependency.
    """
    if not needed:
        raise LockError(_("There is a lock, but neither the source nor its libraries ask for packages."))
    versions: dict[str, list[str]] = {}
    for package in packages:
        versions.setdefault(package.name, []).append(package.version)
    for text in needed.dependencies:
        asked = Requirement(text)
        found = versions.get(canonicalize_name(asked.name), [])
        # No Python that may run the script needs it, if the marker says so.
        is_left_out = not found and asked.marker is not None
        if not is_left_out and not any(asked.specifier.contains(version, prereleases=True) for version in found):
            has = _("it has {}").format(", ".join(found)) if found else _("it lacks this package")
            raise LockError(_("The lock does not fit {}: {}.").format(text, has))
