"""The rows of the table that `make chaos` prints."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.callers import CallResult, successes


@dataclass(frozen=True)
class ReportRow:
    """`tried` triggers (or whatever `name` counts) met a fault, and `survived` of them went as the contract says."""

    name: str
    tried: int
    survived: int
    worst_seconds: float = 0.0
    note: str = ""

    @property
    def is_good(self) -> bool:
        return self.tried == self.survived

    def __str__(self) -> str:
        note = self.note if self.is_good else f"[BROKEN] {self.note}"
        return f"{self.name:44} {self.tried:>7} {self.survived:>8} {self.worst_seconds:>8.2f}  {note}"


def answered_row(name: str, answers: Sequence[CallResult], limit_seconds: float, note: str = "") -> ReportRow:
    """A row of callers who must all be answered within `limit_seconds`, by the script or by an error."""
    survived = sum(answer.seconds <= limit_seconds and answer.is_honest for answer in answers)
    return _callers_row(name, answers, survived, note)


def success_row(name: str, answers: Sequence[CallResult], note: str = "") -> ReportRow:
    """A row of callers who must all be answered by the script."""
    return _callers_row(name, answers, len(successes(answers)), note)


def check_row(name: str, is_good: bool, seconds: float = 0.0, note: str = "") -> ReportRow:
    """A row for something that is true or not."""
    return ReportRow(name, 1, int(is_good), seconds, note)


def table(rows: Sequence[ReportRow]) -> str:
    head = f"{'fault':44} {'tried':>7} {'survived':>8} {'worst s':>8}  results"
    return "\n".join([head, *map(str, rows)])


def _callers_row(name: str, answers: Sequence[CallResult], survived: int, note: str) -> ReportRow:
    heard = Counter(answer.heard for answer in answers)
    counts = ", ".join(f"{result}: {count}" for result, count in sorted(heard.items()))
    worst = max((answer.seconds for answer in answers), default=0.0)
    return ReportRow(name, len(answers), survived, worst, "; ".join(part for part in (counts, note) if part))
