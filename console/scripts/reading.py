"""What a script says about itself, and what is found in it while it is written."""

from collections.abc import Sequence
from dataclasses import dataclass

from automation.models import AutomationScript
from automation.source import ON_API_TRIGGER, RUN, compile_error, docstring, has_entry_point, parameters_asked_for


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
class Findings:
    """What is found in a source: why it cannot be saved, if so, and else what it offers and asks for."""

    line: int | None
    message: str
    entry_points: Sequence[str]
    parameters: Sequence[str]
    """The script parameters that it asks for by name."""


def summary(script: AutomationScript) -> Summary:
    """What `script` says about itself."""
    return Summary(script, docstring(script.source), script.entry_points())


def findings(source: str) -> Findings:
    """What is found in `source`."""
    error = compile_error(source)
    if error is not None:
        return Findings(error.line, error.message, (), ())
    present = [name for name in (ON_API_TRIGGER, RUN) if has_entry_point(source, name)]
    return Findings(None, "", present, parameters_asked_for(source))
