"""Scripts as files, outside of the database: with the libraries beside them, and what both need."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from automation import requirements
from automation.libraries import LibraryError, resolve
from automation.requirements import RequirementError, Requirements
from automation.source import compile_error, contents
from automation.versions import ScriptVersion
from foundation.texts import UnreadableFileError, read_text


class UnusableScriptError(Exception):
    """Why the script could not be saved either."""


@dataclass(frozen=True)
class ScriptFile:
    """A file that could be saved as a script or library, the libraries that it imports, and what packages all need."""

    source: str
    libraries: Mapping[str, ScriptVersion]
    """By name. Only their sources are known."""
    needed: Requirements

    @classmethod
    def read(cls, file: Path) -> Self:
        """Raises UnusableScriptError."""
        source = _source(file)
        libraries = _libraries(file, source)
        sources = {file: source} | {_beside(file, name): library.source for name, library in libraries.items()}
        return cls(source, libraries, _needed(sources))


def _needed(sources: Mapping[Path, str]) -> Requirements:
    blocks = {file: block for file, source in sources.items() if (block := contents(source).block) is not None}
    allowed = requirements.allowed_names()
    for file, block in blocks.items():
        try:
            requirements.check(block, allowed)
        except RequirementError as error:
            raise UnusableScriptError(f"{file}, line {error.line}: {error.message}") from error
    try:
        return requirements.combined(blocks.values())
    except RequirementError as error:
        raise UnusableScriptError(f"{next(iter(sources))}: {error.message}") from error


def _libraries(script: Path, source: str) -> Mapping[str, ScriptVersion]:
    """The libraries that a script imports, directly and through others: files beside it, by the rules of a save."""

    def beside(names: Iterable[str]) -> dict[str, ScriptVersion]:
        files = {name: _beside(script, name) for name in names}
        # Not `Path.exists`, which fails for a name that is too long.
        return {name: ScriptVersion(source=_library(file)) for name, file in files.items() if os.path.exists(file)}

    def resolved(file: Path, source: str, own_name: str) -> dict[str, ScriptVersion]:
        try:
            return resolve(source, own_name, beside)
        except LibraryError as error:
            raise UnusableScriptError(f"{file}, line {error.line}: {error.message}") from error

    found = resolved(script, source, "")
    # Stored libraries cannot import each other, but files can.
    for name, library in found.items():
        resolved(_beside(script, name), library.source, name)
    return found


def _beside(script: Path, name: str) -> Path:
    return script.with_name(f"{name}.py")


def _library(file: Path) -> str:
    source = _source(file)
    if entry_points := contents(source).entry_points:
        raise UnusableScriptError(f"{file} is no library: it has a function {entry_points[0]}.")
    return source


def _source(file: Path) -> str:
    if file.exists() and not file.is_file():
        raise UnusableScriptError(f"{file} is not a file.")
    try:
        source = read_text(file)
    except UnreadableFileError as error:
        raise UnusableScriptError(str(error)) from error
    if fault := compile_error(source):
        where = f"{file}, line {fault.line}" if fault.line else str(file)
        raise UnusableScriptError(f"{where}: {fault.message}")
    return source
