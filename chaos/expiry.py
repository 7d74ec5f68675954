"""Triggers whose callers have been told that their time is over: none of them runs afterwards."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

from chaos.callers import CallerLoad, CallResult, call, seconds_until_success
from chaos.marks import Marks
from chaos.report import ReportRow, row
from chaos.trial import BEGINNING_SECONDS
from fleet.heartbeat import HEARTBEAT_ENDS_AFTER_SECONDS
from fleet.reply import GRACE_MILLISECONDS
from testbed.publishing import Publisher
from testbed.stack import Stack, wait_until

# Callers that begin at once are answered at once, and begin again at once: what would be measured is their own crowd,
# here and before the endpoint's first line.
SPREAD_SECONDS = 5.0
LATER_SECONDS = GRACE_MILLISECONDS / 1_000 + 2


def timed_out(stack: Stack, publish: Publisher, *, count: int, callers: int, limit: float) -> list[ReportRow]:
    """More callers than the node can serve, until `count` of them have timed out; then every TTL passes."""
    with Marks(stack.state_dir) as marks:
        load = CallerLoad(stack.url, publish(marks.source), query="?seconds=0.8", spread=SPREAD_SECONDS)
        with load.going_on(callers):
            wait_until(lambda: len(_unanswered(load)) >= count, 60 + count / 5, "timed-out triggers")
        time.sleep(LATER_SECONDS)
        begun = marks.begun()
    late = _unanswered(load)
    lied_to = [answer.marker for answer in late if not answer.may_have_run and answer.marker in begun]
    later = [answer.marker for answer in late if begun.get(answer.marker, 0) > answer.ended + BEGINNING_SECONDS]
    never = len([answer for answer in late if not answer.may_have_run])
    return [
        row("callers whose time is over", load.answers, limit),
        ReportRow("  told that it never started, and it did not", never, never - len(lied_to), 0.0),
        ReportRow("  timed out, and did not run afterwards", len(late), len(late) - len(later), 0.0),
    ]


def stopped_worker(stack: Stack, publish: Publisher, *, callers: int, limit: float) -> list[ReportRow]:
    """The only worker node is stopped (SIGSTOP) until its callers are gone, then it goes on."""
    with Marks(stack.state_dir) as marks:
        api = publish(marks.source)
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
        row("callers of a stopped worker node", answers, limit),
        ReportRow("  not run when it went on", callers, callers - len(late), 0.0),
        ReportRow("  success again", 1, int(again < 30), again),
    ]


def _unanswered(load: CallerLoad) -> list[CallResult]:
    return [answer for answer in load.answers if answer.result == "500 code 1001"]
