"""Scripts to start with: those of the demo, and its templates, which need something of the author first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from automation.source import Contents, contents_of

FOLDERS: Final = ("demo", "demo/templates")


@dataclass(frozen=True)
class Example:
    """A script to start with. `text` is the first line of its docstring, `libraries` what it imports."""

    name: str
    source: str
    text: str
    parameters: Sequence[str]
    libraries: frozenset[str]


def examples() -> list[Example]:
    """The scripts by name, without libraries and tests."""
    files = [file for folder in FOLDERS for file in (settings.BASE_DIR / folder).glob("*.py") if file.is_file()]
    sources = {file.stem: file.read_text("utf-8") for file in files if not file.name.startswith(("test_", "_"))}
    found = dict(zip(sources, contents_of(list(sources.values())), strict=True))
    return [_example(name, sources[name], found[name]) for name in sorted(found) if found[name].entry_points]


def first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")


def _example(name: str, source: str, found: Contents) -> Example:
    libraries = frozenset(library for _line, library, _names in found.libraries)
    return Example(name, source, first_line(found.docstring), found.parameters, libraries)
