"""Installed packages, made importable in two steps: only the second one, in the confined host, executes code of theirs.

It is what Python's `site` does when it starts, of which the zygote does as much as it can for all hosts.
"""

import importlib.machinery
import os
import site
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Packages:
    """Where packages lie, and the `.pth` files there, by directory and name, that have not been executed."""

    search_path: list[str]
    path_files: list[tuple[str, str]]

    def enable(self) -> None:
        """Make them importable, and execute their `.pth` files and `sitecustomize`."""
        sys.path[:] = self.search_path
        if sys.version_info < (3, 12):
            # Python's own distutils will do. To put another in its place, setuptools takes 1 ms of each new process.
            os.environ["SETUPTOOLS_USE_DISTUTILS"] = "stdlib"
        known = set(self.search_path)
        for directory, name in self.path_files:
            site.addpackage(directory, name, known)
        site.execsitecustomize()


def find() -> Packages:
    """Look for packages; the caller's own search path stays as it is, and it imports none of them."""
    own = sys.path[:]
    with _executing_nothing() as path_files:
        site.main()
    packages = Packages(sys.path[:], path_files)
    sys.path[:] = own
    for directory in packages.search_path:
        # Python keeps the listing of each directory that it has searched: hosts inherit it.
        importlib.machinery.PathFinder.find_spec("sitecustomize", [directory])
    return packages


@contextmanager
def _executing_nothing() -> Iterator[list[tuple[str, str]]]:
    """Take note of what `site` would execute."""
    noted: list[tuple[str, str]] = []
    usual = site.addpackage, site.execsitecustomize

    def note(directory: str, name: str, known: set[str] | None) -> set[str] | None:
        if (directory, name) not in noted:  # `site` comes twice to those of a virtual environment
            noted.append((directory, name))
        return known

    site.addpackage, site.execsitecustomize = note, lambda: None  # type: ignore[assignment]
    try:
        yield noted
    finally:
        site.addpackage, site.execsitecustomize = usual
