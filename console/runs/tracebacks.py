"""The message of a run, with links to the lines of the sources that its traceback names."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

_FRAME: Final = re.compile(r'(?P<before>.*File ")(?P<place><script (?P<name>.+)>", line (?P<line>[0-9]+))(?P<after>.*)')
_BEGINNING: Final = "Traceback (most recent call last):"

PageOfSource = Callable[[str], str]
"""The page of the source that tracebacks name like this, in the version that ran; empty if there is none to show."""


@dataclass(frozen=True)
class SourceFrame:
    """A line of a traceback that names a line of a source; `url` leads there unless it is empty."""

    before: str
    place: str
    after: str
    name: str
    line: int
    url: str = ""


@dataclass(frozen=True)
class RunReport:
    """The message of a run: what happened, and the traceback if there is one."""

    summary: str
    lines: Sequence[str | SourceFrame] = ()

    @property
    def frames(self) -> list[SourceFrame]:
        return [line for line in self.lines if isinstance(line, SourceFrame)]

    @property
    def origin(self) -> SourceFrame | None:
        """Where the exception was raised."""
        return next(reversed(self.frames), None)

    @property
    def text(self) -> str:
        return "\n".join(
            f"{line.before}{line.place}{line.after}" if isinstance(line, SourceFrame) else line for line in self.lines
        )


def report_of(message: str, page_of_source: PageOfSource) -> RunReport:
    """The message in parts."""
    lines = message.rstrip("\n").split("\n")
    begins = next((number for number, line in enumerate(lines) if _BEGINNING in line), len(lines))
    summary = "\n".join(lines[:begins]).strip()
    return RunReport(summary, [_linked(line, page_of_source) for line in lines[begins:]])


def _linked(line: str, page_of_source: PageOfSource) -> str | SourceFrame:
    found = _FRAME.fullmatch(line)
    if found is None:
        return line
    name, number = found["name"], int(found["line"])
    page = page_of_source(name)
    return SourceFrame(
        found["before"], found["place"], found["after"], name, number, f"{page}#L{number}" if page else ""
    )
