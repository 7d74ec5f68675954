"""Triggers that timed out: none of them runs after its caller was told so."""

import signal
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from chaos.callers import CallerLoad, CallResult, call, seconds_until_success
from chaos.marks import Marks
from chaos.rows import ReportRow, answered_row, check_row
from chaos.trial import BEGINNING_SECONDS, Trial
from fleet.heartbeat import HEARTBEAT_ENDS_AFTER_SECONDS
from fleet.reply import GRACE_MILLISECONDS
from testbed.stack import wait_until

# Callers that start at once are answered at once, and call again at once: the trial would measure only their burst.
SPREAD_SECONDS = 5.0
LATER_SECONDS = GRACE_MILLISECONDS / 1_000 + 2


def timed_out(trial: Trial, *, count: int, callers: int) -> list[ReportRow]:
    """More callers than the node can serve, until `count` of them have timed out; then every TTL passes."""
    with Marks(trial.stack.state_dir) as marks:
        api = trial.publish(marks.source)
        load = CallerLoad(trial.stack.url, api, query="?seconds=0.8", spread=SPREAD_SECONDS)
        with load.going_on(callers):
            wait_until(lambda: len(_timed_out(load.answers)) >= count, 60 + count / 5, "timed-out triggers")
        time.sleep(LATER_SECONDS)
        begun = marks.begun()
    late = _timed_out(load.answers)
    never = [answer for answer in late if not answer.may_have_run]
    truly_never = [answer for answer in never if answer.marker not in begun]
    later = [answer for answer in late if begun.get(answer.marker, 0) > answer.ended + BEGINNING_SECONDS]
    return [
        answered_row("more callers than the node can serve", load.answers, trial.limit),
        ReportRow("  told that it never started, and it did not", len(never), len(truly_never)),
        ReportRow("  timed out, and did not run afterwards", len(late), len(late) - len(later)),
    ]


def stopped_worker(trial: Trial, *, callers: int) -> list[ReportRow]:
    """The only worker node is stopped (SIGSTOP) until its callers are gone, and then continues."""
    stack = trial.stack
    with Marks(stack.state_dir) as marks:
        api = trial.publish(marks.source)
        stack.worker.send_signal(signal.SIGSTOP)
        try:
            with ThreadPoolExecutor(callers) as threads:
                answers = list(threads.map(lambda number: call(stack.url, api, f"stopped-{number}"), range(callers)))
            time.sleep(HEARTBEAT_ENDS_AFTER_SECONDS)
        finally:
            stack.worker.send_signal(signal.SIGCONT)
        again = seconds_until_success(stack.url, api, 30)
        late = [marker for marker in marks.runs() if marker.startswith("stopped")]
    return [
        answered_row("callers of a stopped worker node", answers, trial.limit),
        ReportRow("  did not run when the node continued", callers, callers - len(late)),
        check_row("  success again", again < 30, again),
    ]


def _timed_out(answers: Sequence[CallResult]) -> list[CallResult]:
    return [answer for answer in answers if answer.result == "500 code 1001"]
