"""Makes installed packages importable in two steps, of which only the second executes their code, in the confined host.

Together they do what Python's `site` does at start. The zygote does the first step, once for all hosts; for a script
with an environment of its own, its host does both.
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
    """Where packages lie, and the `.pth` files there (directory, name), which have not been executed yet."""

    search_path: list[str]
    path_files: list[tuple[str, str]]

    def enable(self) -> None:
        """Make them importable, and execute their `.pth` files and `sitecustomize`."""
        sys.path[:] = self.search_path
        if sys.version_info < (3, 12):
            # Use Python's own distutils: replacing it takes setuptools 1 ms in each new process.
            os.environ["SETUPTOOLS_USE_DISTUTILS"] = "stdlib"
        known = set(self.search_path)
        for directory, name in self.path_files:
            site.addpackage(directory, name, known)
        site.execsitecustomize()


def find() -> Packages:
    """Find packages without importing any; the caller's own search path stays as it is."""
    own = sys.path[:]
    with _executing_nothing() as path_files:
        site.main()
    packages = Packages(sys.path[:], path_files)
    sys.path[:] = own
    for directory in packages.search_path:
        # Python caches the listing of each directory that it has searched; hosts inherit the cache.
        importlib.machinery.PathFinder.find_spec("sitecustomize", [directory])
    return packages


def of_environment(directory: str) -> Packages:
    """The packages in `directory` beside the standard library, for a process that has enabled no others."""
    path_files = [(directory, name) for name in sorted(os.listdir(directory)) if name.endswith(".pth")]
    return Packages([*sys.path, directory], path_files)


@contextmanager
def _executing_nothing() -> Iterator[list[tuple[str, str]]]:
    """Collect the `.pth` files that `site` would execute."""
    noted: list[tuple[str, str]] = []
    usual = site.addpackage, site.execsitecustomize

    def note(directory: str, name: str, known: set[str] | None) -> set[str] | None:
        if (directory, name) not in noted:  # `site` finds those of a virtual environment twice
            noted.append((directory, name))
        return known

    site.addpackage, site.execsitecustomize = note, lambda: None  # type: ignore[assignment]
    try:
        yield noted
    finally:
        site.addpackage, site.execsitecustomize = usual
