"""A fault under load: how soon callers succeed again, and whether what they were told is true."""

import signal
import subprocess
import time
from collections.abc import Callable, Sequence

from chaos.callers import CallerLoad, CallResult, seconds_until_success
from chaos.marks import Marks
from chaos.report import ReportRow, row
from testbed.publishing import Publisher
from testbed.stack import Stack, wait_until

# So many that some of their jobs run while others wait.
CALLERS = 16
_PAUSE_SECONDS = 0.05
BACK_SECONDS = 15.0
# Time for late effects of a fault to show.
_SETTLING_SECONDS = 1.0
# A run is handed to its process just before its caller's time is over; "afterwards" begins behind that moment.
BEGINNING_SECONDS = 0.5
_SHOWN = 3


def during(
    stack: Stack,
    publish: Publisher,
    name: str,
    fault: Callable[[], None],
    limit: float,
    *,
    url: str = "",
    run_seconds: float = 0.2,
    answers_runs: bool = False,
) -> list[ReportRow]:
    """Cause the fault under load, at the stack's web server or at `url`; then a trigger succeeds within 15 s.

    With `answers_runs`, every caller whose trigger ran gets its answer.
    """
    address = url or stack.url
    with Marks(stack.state_dir) as marks:
        api = publish(marks.source)
        load = CallerLoad(address, api, query=f"?seconds={run_seconds}", pause=_PAUSE_SECONDS)
        with load.going_on(CALLERS):
            wait_until(lambda: len(load.answers) >= CALLERS, what="the first answers")
            fault()
            again = seconds_until_success(address, api, BACK_SECONDS)
            time.sleep(_SETTLING_SECONDS)
        return [
            row(name, load.answers, limit),
            truth(load.answers, marks),
            *([_answered(load.answers, marks)] if answers_runs else []),
            ReportRow(f"  success again within {BACK_SECONDS:g} s", 1, int(again < BACK_SECONDS), again),
        ]


def truth(answers: Sequence[CallResult], marks: Marks) -> ReportRow:
    """Nothing ran twice, or after its caller was answered; what was answered ran, what "never started" did not."""
    runs, begun = marks.runs(), marks.begun()
    broken = {
        "twice": marks.twice(),
        "answered without a run": [each.marker for each in answers if each.result == "200" and not runs[each.marker]],
        'false "never started"': [each.marker for each in answers if each.never_started and runs[each.marker]],
        "ran after the answer": [
            each.marker for each in answers if begun.get(each.marker, 0.0) > each.ended + BEGINNING_SECONDS
        ],
    }
    note = ", ".join(f"{what}: {_shown(markers)}" for what, markers in broken.items())
    guilty = {marker for markers in broken.values() for marker in markers}
    latest = max((begun.get(each.marker, 0.0) - each.ended for each in answers), default=0.0)
    return ReportRow(
        "  once, in time, and told the truth", len(answers), len(answers) - len(guilty), max(0.0, latest), note
    )


def _answered(answers: Sequence[CallResult], marks: Marks) -> ReportRow:
    runs = marks.runs()
    ran = [each for each in answers if runs[each.marker]]
    return ReportRow("  every run was answered", len(ran), sum(each.result == "200" for each in ran), 0.0)


def _shown(markers: Sequence[str]) -> str:
    return f"{len(markers)} ({' '.join(markers[:_SHOWN])} …)" if markers else "0"


def stand_still(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Stop the process for `seconds`; then it goes on."""
    process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        process.send_signal(signal.SIGCONT)
