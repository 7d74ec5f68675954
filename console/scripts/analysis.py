"""Summaries of scripts, findings in a source while it is written, and example scripts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from automation.models import AutomationScript
from automation.source import Contents, contents, contents_of
from automation.versions import ScriptKind
from console.scripts import problems

NEW_LIBRARY: Final = '''"""What scripts share. NAME is the name of this library: from scripts.NAME import greeting"""


def greeting(name: str) -> str:
    return f"Hello, {name}"
'''
"""What a new library starts with."""


@dataclass(frozen=True)
class Summary:
    """A script for users who want to publish it."""

    script: AutomationScript
    docstring: str

    @property
    def first_line(self) -> str:
        return _first_line(self.script.description or self.docstring)


@dataclass(frozen=True)
class Example:
    """A script to start with: one of the demo's."""

    name: str
    source: str
    text: str
    parameters: Sequence[str]


def summaries(scripts: Sequence[AutomationScript]) -> list[Summary]:
    found = contents_of([script.source for script in scripts])
    return [Summary(script, one.docstring) for script, one in zip(scripts, found, strict=True)]


def findings(source: str, kind: str = "", name: str = "") -> dict[str, Any]:
    """What the editor says about `source`: a syntax error with its line, or what is in it and what is wrong with it.

    `kind` and `name` are those of the script that is being written.
    """
    found = contents(source)
    if found.error is not None:
        return {"line": found.error.line, "message": found.error.message, "entry_points": (), "parameters": ()}
    checked = problems.check(source, found, kind, name)
    return {
        "line": None,
        "message": "",
        "entry_points": found.entry_points,
        "parameters": found.parameters,
        "problems": [asdict(problem) for problem in checked.problems],
        "checked": checked.summary,
    }


def examples() -> list[Example]:
    """The scripts of the demo by name, without its library and without those that import one that is not stored."""
    directory: Path = settings.BASE_DIR / "demo"
    files = [file for file in sorted(directory.glob("*.py")) if not file.name.startswith(("test_", "_"))]
    sources = {file.stem: file.read_text("utf-8") for file in files if file.is_file()}
    found = zip(sources.items(), contents_of(list(sources.values())), strict=True)
    stored = set(AutomationScript.objects.filter(kind=ScriptKind.LIBRARY).values_list("name", flat=True))
    scripts = [each for each in found if each[1].entry_points and stored.issuperset(_imported(each[1]))]
    return [Example(name, source, _first_line(one.docstring), one.parameters) for (name, source), one in scripts]


def _imported(found: Contents) -> set[str]:
    return {name for _line, name, _names in found.libraries}


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")
