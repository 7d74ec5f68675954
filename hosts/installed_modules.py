"""What an environment lets scripts import, found by its files: nothing is executed."""

import sys
from collections import deque
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

MOST_MODULES = 5_000
LONGEST_NAME = 200
_LARGEST_RECORD = 4 * 1024**2
_SUFFIXES = (*EXTENSION_SUFFIXES, ".py")
# Top-level modules of the product that a script's process has loaded: it would never get those of a package.
_OURS = {"automation", "automation_script", "foundation", "hosts", "scripts"}
# Beside the packages, for programs, data and headers.
_NO_PACKAGES = {"bin", "include", "share"}
_TESTS = {"test", "tests"}


class ReservedModuleError(Exception):
    """A package contains a module of the product. The text says so."""


def public_modules(directory: Path) -> list[str]:
    """The dotted names that can be imported, those with fewer dots first; without private ones. 5,000 at most,
    of 200 characters at most.
    """
    found: list[str] = []
    queue = deque([(directory, "")])
    while queue and len(found) < MOST_MODULES:
        inside, prefix = queue.popleft()
        for name, path in _entries(inside):
            is_private = name.startswith("_") or (prefix and name in _TESTS)
            if is_private or len(prefix) + len(name) > LONGEST_NAME:
                continue
            if not path.is_dir() or _has_modules(path):
                found.append(f"{prefix}{name}")
            if path.is_dir():
                queue.append((path, f"{prefix}{name}."))
    return sorted(set(found[:MOST_MODULES]), key=lambda name: (name.count("."), name))


def check(directory: Path) -> list[str]:
    """Warnings about modules that hide behind those of Python. Raises ReservedModuleError for names of the product."""
    warnings = []
    for name in sorted({name for name, _ in _entries(directory)}):
        if name in _OURS:
            package = _package_with(directory, name)
            raise ReservedModuleError(
                f"The package {package} contains the module {name}, which belongs to the product."
            )
        if name in sys.stdlib_module_names:
            warnings.append(
                f"The package {_package_with(directory, name)} contains the module {name}, which is part of Python: "
                "scripts import that of Python."
            )
    return warnings


def _entries(directory: Path) -> Iterator[tuple[str, Path]]:
    """The modules, packages and directories in a directory, by the name that they would be imported by."""
    for path in sorted(directory.iterdir()):
        is_directory = path.is_dir()
        name = path.name if is_directory else _module_name(path.name)
        if name.isidentifier() and not (is_directory and name in _NO_PACKAGES):
            yield name, path


def _module_name(file: str) -> str:
    """The module that a file holds; empty if it holds none."""
    return next((file.removesuffix(suffix) for suffix in _SUFFIXES if file.endswith(suffix)), "")


def _has_modules(directory: Path) -> bool:
    """Whether a directory is a package, perhaps one without an `__init__.py`."""
    return any(_module_name(path.name) for path in directory.iterdir())


def _package_with(directory: Path, module: str) -> str:
    """The installed package that a top-level module belongs to."""
    for record in sorted(directory.glob("*.dist-info/RECORD")):
        with open(record, errors="replace") as file:
            lines = file.read(_LARGEST_RECORD).splitlines()
        files = (line.partition(",")[0] for line in lines)
        if any(file.partition("/")[0].partition(".")[0] == module for file in files):
            return record.parent.name.removesuffix(".dist-info").partition("-")[0]
    return module
