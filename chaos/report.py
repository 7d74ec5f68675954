"""What a fault did: one row each, and the table of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from chaos.callers import CallResult

BROKEN_RULE = "TOO LATE OR NOT AT ALL"


@dataclass(frozen=True)
class ReportRow:
    """`tried` triggers (or whatever is counted) met the fault, `survived` of them as the contract says."""

    fault: str
    tried: int
    survived: int
    worst_seconds: float
    note: str = ""

    @property
    def is_good(self) -> bool:
        """Whether all survived."""
        return self.tried == self.survived


def row(fault: str, answers: Iterable[CallResult], limit_seconds: float, note: str = "") -> ReportRow:
    """The row of callers who must all be answered within `limit_seconds`; what they heard is counted in the note."""
    every = list(answers)
    in_time = [answer for answer in every if answer.seconds <= limit_seconds and answer.is_honest]
    heard: dict[str, int] = {}
    for answer in every:
        heard[answer.heard] = heard.get(answer.heard, 0) + 1
    counts = ", ".join(f"{result}: {count}" for result, count in sorted(heard.items()))
    worst = max((answer.seconds for answer in every), default=0.0)
    return ReportRow(fault, len(every), len(in_time), worst, "; ".join(part for part in (counts, note) if part))


def table(rows: Iterable[ReportRow]) -> str:
    """The rows as text, the bad ones marked."""
    lines = [f"{'fault':44} {'tried':>7} {'survived':>8} {'worst s':>8}  what was seen"]
    lines += [
        f"{each.fault:44} {each.tried:>7} {each.survived:>8} {each.worst_seconds:>8.2f}  "
        f"{'' if each.is_good else f'[{BROKEN_RULE}] '}{each.note}"
        for each in rows
    ]
    return "\n".join(lines)
