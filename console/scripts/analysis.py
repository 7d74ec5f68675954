"""Summaries of scripts, findings in a source while it is written, and scripts to start with."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from automation.examples import Example, examples, first_line
from automation.models import AutomationScript
from automation.source import contents, contents_of
from automation.versions import ScriptKind
from console.scripts import problems

NEW_SCRIPT: Final = '''"""What the script does, in a sentence."""

from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    return ApiTriggerOutput(response_body="Hello")
'''
"""What a new script starts with."""

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
        return first_line(self.script.description or self.docstring)


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
        "packages": checked.needed.digest if checked.needed.dependencies else "",
    }


def usable_examples() -> list[Example]:
    """The scripts to start with, without those that import a library that is not stored."""
    stored = set(AutomationScript.objects.filter(kind=ScriptKind.LIBRARY).values_list("name", flat=True))
    return [example for example in examples() if example.libraries <= stored]
