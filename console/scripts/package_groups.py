"""The packages of a version: what its lock has, and which block asks for each of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from automation.builds import Build, PackageLock
from automation.requirements import combined, names
from automation.source import contents_of
from automation.versions import ScriptVersion

Package = tuple[str, str]
"""Name and version."""


@dataclass(frozen=True)
class PackageGroup:
    """VersionPackages that the same block asks for: that of the script, or that of a `library`.

    Those that no block asks for are what the others need.
    """

    packages: Sequence[Package]
    library: str = ""
    is_asked_for: bool = True


@dataclass(frozen=True)
class VersionPackages:
    """The packages of a version. Until they are resolved, only what the blocks ask for is known: `wanted`."""

    wanted: Sequence[str]
    requires_python: str
    count: int = 0
    groups: Sequence[PackageGroup] = ()


def packages_of(version: ScriptVersion, build: Build) -> VersionPackages:
    """What `version` has, in a number of queries that does not grow with its packages."""
    wanted, python = build.requirements["dependencies"], build.requirements["requires_python"]
    if build.lock is None:
        return VersionPackages(wanted, python)
    locked = packages_in(build.lock)
    return VersionPackages(wanted, python, len(locked), list(_groups(locked, _asked(version))))


def packages_in(lock: PackageLock) -> list[Package]:
    """Each name once: where Python or the processor decides on the version, with all of them."""
    found: dict[str, list[str]] = {}
    for name, number in lock.packages:
        found.setdefault(name, []).append(number)
    return [(name, _(" or ").join(numbers)) for name, numbers in found.items()]


def _groups(locked: Sequence[Package], asked: Mapping[str, frozenset[str]]) -> Iterator[PackageGroup]:
    """What several blocks ask for is in the group of the first one."""
    left = list(locked)
    for library, wanted in asked.items():
        if own := [package for package in left if package[0] in wanted]:
            yield PackageGroup(own, library)
            left = [package for package in left if package not in own]
    if left:
        yield PackageGroup(left, is_asked_for=False)


def _asked(version: ScriptVersion) -> dict[str, frozenset[str]]:
    """The names that each block asks for: that of the script itself, as "", then those of its libraries."""
    libraries = {name: library for name, library in version.libraries().items() if library is not None}
    found = contents_of([version.source, *(library.source for library in libraries.values())])
    return {
        name: names(combined([contents.block]))
        for name, contents in zip(["", *libraries], found, strict=True)
        if contents.block is not None
    }
