"""What a script says about itself."""

from dataclasses import dataclass, field

from automation.models import AutomationScript
from automation.source import docstring


@dataclass(frozen=True)
class Summary:
    """A script as those see it who want to publish it."""

    script: AutomationScript
    docstring: str
    entry_points: list[str] = field(default_factory=list)

    @property
    def first_line(self) -> str:
        """What it does, in a line."""
        return next(iter((self.script.description or self.docstring).strip().splitlines()), "")


def summary(script: AutomationScript) -> Summary:
    """What `script` says about itself."""
    return Summary(script, docstring(script.source), script.entry_points())
