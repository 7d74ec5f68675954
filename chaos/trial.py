"""A fault under load: how soon callers succeed again, and whether they were told the truth."""

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chaos.callers import CallerLoad, CallResult, seconds_until_success, successes
from chaos.marks import Marks
from chaos.rows import ReportRow, answered_row, check_row
from testbed.publisher import Publisher
from testbed.stack import Stack, wait_until

# Enough that some jobs run while others wait.
CALLERS = 16
_PAUSE_SECONDS = 0.05
BACK_SECONDS = 15.0
# Time for late effects of a fault to show.
_SETTLING_SECONDS = 1.0
# A run may be handed to its script host just before the caller's deadline. A run that begins later than this after
# the answer began after it.
BEGINNING_SECONDS = 0.5
_SHOWN = 3


@dataclass(frozen=True)
class Trial:
    """The stack that a fault breaks, and the time in seconds within which each of its callers must be answered."""

    stack: Stack
    publish: Publisher
    limit: float

    def during(
        self,
        name: str,
        fault: Callable[[], None],
        *,
        url: str = "",
        run_seconds: float = 0.2,
        answers_runs: bool = False,
    ) -> list[ReportRow]:
        """Cause the fault under load, at the stack's web server or at `url`. A trigger must then succeed within 15 s.

        With `answers_runs`, every caller whose trigger ran must get its answer.
        """
        address = url or self.stack.url
        with Marks(self.stack.state_dir) as marks:
            api = self.publish(marks.source)
            load = CallerLoad(address, api, query=f"?seconds={run_seconds}", pause=_PAUSE_SECONDS)
            with load.going_on(CALLERS):
                wait_until(lambda: len(load.answers) >= CALLERS, what="the first answers")
                fault()
                again = seconds_until_success(address, api, BACK_SECONDS)
                time.sleep(_SETTLING_SECONDS)
            return [
                answered_row(name, load.answers, self.limit),
                truth_row(load.answers, marks),
                *([_runs_row(load.answers, marks)] if answers_runs else []),
                check_row(f"  success again within {BACK_SECONDS:g} s", again < BACK_SECONDS, again),
            ]


def truth_row(answers: Sequence[CallResult], marks: Marks) -> ReportRow:
    """No trigger ran twice or after its answer; each success ran, and no trigger that "never started" did."""
    runs, begun = marks.runs(), marks.begun()
    late_by = {each.marker: begun[each.marker] - each.ended for each in answers if each.marker in begun}
    broken = {
        "twice": marks.twice(),
        "answered without a run": [each.marker for each in successes(answers) if not runs[each.marker]],
        'false "never started"': [each.marker for each in answers if each.never_started and runs[each.marker]],
        "ran after the answer": [marker for marker, seconds in late_by.items() if seconds > BEGINNING_SECONDS],
    }
    note = ", ".join(f"{what}: {_shown(markers)}" for what, markers in broken.items())
    guilty = {marker for markers in broken.values() for marker in markers}
    latest = max(late_by.values(), default=0.0)
    name = "  ran once and in time; true answers"
    return ReportRow(name, len(answers), len(answers) - len(guilty), max(0.0, latest), note)


def _runs_row(answers: Sequence[CallResult], marks: Marks) -> ReportRow:
    runs = marks.runs()
    ran = [each for each in answers if runs[each.marker]]
    return ReportRow("  every run was answered", len(ran), len(successes(ran)))


def _shown(markers: Sequence[str]) -> str:
    return f"{len(markers)} ({' '.join(markers[:_SHOWN])} …)" if markers else "0"


def suspend(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Stop the process with SIGSTOP, and let it continue after `seconds`."""
    process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        process.send_signal(signal.SIGCONT)
