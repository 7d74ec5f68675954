"""Finds libraries where scripts are tested: `scripts.NAME` is the file NAME.py in a directory on `sys.path`."""

import os
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from types import ModuleType
from typing import Final

LIBRARY_PACKAGE: Final = "scripts"
"""Scripts import the library NAME as `scripts.NAME`."""

# What is installed here is not a library, even if it has the name of one.
_STANDARD_LIBRARY = os.path.dirname(os.__file__)
_PACKAGES = {"site-packages", "dist-packages"}


class SiblingLibraries:
    """A finder that Python asks last: a package of your own called `scripts` comes first."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """The module `fullname` if it is the package of libraries or one of them.

        Raises:
            ModuleNotFoundError: there is no file for the library.
        """
        package, _, name = fullname.partition(".")
        if package != LIBRARY_PACKAGE:
            return None
        if not name:
            return ModuleSpec(fullname, None, is_package=True)
        for directory in _directories():
            file = os.path.join(directory, f"{name}.py")
            if name.isidentifier() and os.path.isfile(file):
                return spec_from_file_location(fullname, file)
        if path:
            return None
        message = f"There is no library {name}: no directory on sys.path has a file {name}.py."
        raise ModuleNotFoundError(message, name=fullname)


def install() -> None:
    """Let this process import libraries from files."""
    uninstall()
    sys.meta_path.append(SiblingLibraries())


def uninstall() -> None:
    """Undo `install`, as script hosts do: there, a script has the libraries that it was saved with."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, SiblingLibraries)]


def _directories() -> Iterator[str]:
    for directory in map(os.path.abspath, sys.path):
        if directory != _STANDARD_LIBRARY and os.path.basename(directory) not in _PACKAGES:
            yield directory
