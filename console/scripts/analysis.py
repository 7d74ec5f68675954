"""What a script says about itself, and what is found in it while it is written."""

from collections.abc import Sequence
from dataclasses import dataclass

from automation.models import AutomationScript
from automation.source import contents, contents_of


@dataclass(frozen=True)
class Summary:
    """A script as those see it who want to publish it."""

    script: AutomationScript
    docstring: str
    entry_points: Sequence[str]

    @property
    def first_line(self) -> str:
        """What it does, in a line."""
        return next(iter((self.script.description or self.docstring).strip().splitlines()), "")


@dataclass(frozen=True)
class ScriptFindings:
    """What is found in a source: why it cannot be saved, if so, and else what it offers and asks for."""

    line: int | None
    message: str
    entry_points: Sequence[str]
    parameters: Sequence[str]
    """The script parameters that it asks for by name."""


def summary(script: AutomationScript) -> Summary:
    """What `script` says about itself."""
    return summaries([script])[0]


def summaries(scripts: Sequence[AutomationScript]) -> list[Summary]:
    """A summary of each of `scripts`."""
    found = contents_of([script.source for script in scripts])
    return [Summary(script, one.docstring, script.entry_points()) for script, one in zip(scripts, found, strict=True)]


def findings(source: str) -> ScriptFindings:
    """What is found in `source`."""
    found = contents(source)
    if found.error is not None:
        return ScriptFindings(found.error.line, found.error.message, (), ())
    return ScriptFindings(None, "", found.entry_points, found.parameters)
